// pure
import type { CloseReason } from './engine.ts';

const RESETS: readonly (string | undefined)[] = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/** The reason for which a connection closes, from the error that the system gave for it. */
export function reasonOf(error: NodeJS.ErrnoException, isConnected: boolean): CloseReason {
  if (!isConnected) return 'connect_failed';
  return RESETS.includes(error.code) ? 'reset' : 'network_error';
}

export function writeLimitError(limitBytes: number): Error {
  return new Error(`its handler wrote on, while more than ${limitBytes} bytes (writeLimitBytes) would have been unsent`);
}

export function timeoutError(what: string, ms: number): Error {
  return Object.assign(new Error(`${what} within ${ms} ms`), { code: 'ETIMEDOUT' });
}
