import { LarsError } from '../../../client-sdk/src/index.ts';

/** The LarsError with which a promise rejects; anything else fails the test. */
export async function rejection(promise: Promise<unknown>): Promise<LarsError> {
  const outcome = await promise.then(
    value => new Error(`resolved with ${String(value)}, a rejection was expected`),
    error => error,
  );
  if (outcome instanceof LarsError) return outcome;
  throw outcome;
}
