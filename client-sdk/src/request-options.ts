// pure
import { checkKeys, checkSignal, checkTimeout } from './validation.ts';

/** How long one request to the agent may take, and what ends it early. */
export interface RequestOptions {
  /** Ends the request early, with LARS_ABORTED and the signal's reason as its cause. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait; the client's `timeoutMs` by default. */
  readonly timeoutMs?: number | undefined;
}

/** RequestOptions, checked and complete. */
export interface RequestLimits {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

const KNOWN = ['signal', 'timeoutMs'] as const satisfies readonly (keyof RequestOptions)[];

/** @throws {LarsError} LARS_BAD_ARGUMENT naming what is wrong */
export function readLimits(options: RequestOptions, defaultMs: number): RequestLimits {
  checkKeys('options', options, KNOWN);
  const { signal, timeoutMs = defaultMs } = options;
  checkSignal(signal);
  checkTimeout('timeoutMs', timeoutMs);
  return { signal, timeoutMs };
}
