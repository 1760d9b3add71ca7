// pure
import { badArgument, checkFunction, checkTimeout } from '../validation.ts';

/** How requests to a module are repeated and judged. */
export interface ModuleRequestOptions {
  /** How many hosts are tried at most, each one once. Default 3; with 1 nothing is sent twice. */
  readonly maxTries?: number | undefined;
  /** How long a host may take until the headers of its response where the request does not say. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Whether a response with this status is the host's failure. Default: from 500 on. One for which it throws is a failure. */
  readonly isFailure?: ((statusCode: number) => boolean) | undefined;
}

/** ModuleRequestOptions, checked and complete. */
export interface RequestSettings {
  readonly maxTries: number;
  readonly timeoutMs: number;
  readonly isFailure: (statusCode: number) => boolean;
}

export const REQUEST_KEYS = ['maxTries', 'timeoutMs', 'isFailure'] as const satisfies readonly (keyof ModuleRequestOptions)[];
const MAX_TRIES = 16;

/** @throws {LarsError} LARS_BAD_ARGUMENT naming the option; keys that do not exist are left to the caller, who may have more of them */
export function readRequestSettings(options: ModuleRequestOptions): RequestSettings {
  const { maxTries = 3, timeoutMs = 30_000, isFailure = status => status >= 500 } = options;
  if (!Number.isInteger(maxTries) || maxTries < 1 || maxTries > MAX_TRIES)
    throw badArgument('maxTries', `an integer in 1..${MAX_TRIES}`, maxTries);
  checkTimeout('timeoutMs', timeoutMs);
  checkFunction('isFailure', isFailure);
  return { maxTries, timeoutMs, isFailure };
}
