import { callTimeoutError, type LarsError, type RequestContext } from './errors.ts';
import type { LarsHost } from './lars-host.ts';
import type { CallResult } from './report.ts';
import { checkFunction, checkSignal, checkTimeout } from './validation.ts';

/** The business call: gets the picked host, and a signal that fires when the result is no longer wanted. */
export type CallFunction<T> = (host: LarsHost, signal: AbortSignal) => T | PromiseLike<T>;

export interface CallOptions {
  /**
   * Aborts when the caller does not want the result any more. It ends the pick with LARS_ABORTED. Later it is passed on to the function, and
   * when the function then throws, nothing is reported: the host is not to blame. To limit how long a host may take, use `timeoutMs`
   * instead of AbortSignal.timeout(), or hosts that hang are never found out.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long pick and function may take together. When the time is up in the function, its signal fires, its host is reported as
   * failed, the call rejects with LARS_TIMEOUT, and what the function returns later is dropped. Without it the pick has the client's
   * timeout and the function no limit.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether what the function threw is the host's failure. Answer false for errors that a healthy host gives ("no such user"): they are
   * reported as success. Without it every error is a failure; so is an error for which `isFailure` throws itself.
   */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
}

export function checkCallOptions({ signal, timeoutMs, isFailure }: CallOptions): void {
  checkSignal(signal);
  if (timeoutMs !== undefined) checkTimeout(timeoutMs);
  if (isFailure !== undefined) checkFunction('isFailure', isFailure);
}

/** What running a call needs. */
export interface CallDeps {
  readonly nowMs: () => number;
  readonly report: (host: LarsHost, result: CallResult) => void;
}

/**
 * Runs the function with a picked host, times it and reports how it went. Its result or error passes through unchanged.
 * @param leftMs what the pick has left of options.timeoutMs
 */
export async function runCall<T>(
  context: RequestContext,
  host: LarsHost,
  run: CallFunction<T>,
  options: CallOptions,
  leftMs: number | undefined,
  deps: CallDeps,
): Promise<T> {
  const { signal, isFailure } = options;
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  let tooLong: LarsError | undefined;
  const onTooLong = () => {
    tooLong = callTimeoutError(context, options.timeoutMs, host.authority);
    controller.abort(tooLong);
    return tooLong;
  };
  const startMs = deps.nowMs();
  const report = (ok: boolean) => deps.report(host, { ok, tcostMs: deps.nowMs() - startMs });
  signal?.addEventListener('abort', onAbort);
  try {
    const answer = await within(leftMs, run(host, controller.signal), onTooLong);
    report(true);
    return answer;
  } catch (error) {
    if (signal?.aborted !== true) report(tooLong === undefined && isBlameless(error, isFailure));
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function within<T>(ms: number | undefined, work: T | PromiseLike<T>, onTooLong: () => Error): T | PromiseLike<T> {
  if (ms === undefined) return work;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(onTooLong()), ms);
    const settleWith =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer);
        settle(value);
      };
    Promise.resolve(work).then(settleWith(resolve), settleWith(reject));
  });
}

function isBlameless(error: unknown, isFailure: CallOptions['isFailure']): boolean {
  try {
    return isFailure?.(error) === false;
  } catch {
    return false;
  }
}
