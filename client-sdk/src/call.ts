import { type LarsCallEvent, larsChannels } from './diagnostics.ts';
import { abortedError, callTimeoutError, type RequestContext } from './errors.ts';
import type { LarsHost } from './lars-host.ts';
import type { CallResult } from './report.ts';
import type { RequestOptions } from './request-options.ts';
import { checkFunction, checkKeys, checkSignal, checkTimeout } from './validation.ts';

/** The business call: gets the picked host, and a signal that fires when the result is no longer wanted. */
export type CallFunction<T> = (host: LarsHost, signal: AbortSignal) => T | PromiseLike<T>;

/** T is what the call gives. */
export interface CallOptions<T = unknown> {
  /**
   * Aborts when the caller does not want the result any more. It ends the call with LARS_ABORTED at once, whatever the function does, whose own
   * signal fires too. Nothing is reported then: the host is not to blame. To limit how long a host may take, use `timeoutMs` instead of
   * AbortSignal.timeout(), or hosts that hang are never found out.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long pick and function may take together; the client's `callTimeoutMs` by default. When the time is up in the function, its signal
   * fires, its host is reported as failed, the call rejects with LARS_CALL_TIMEOUT, and what the function gives later is dropped.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether what the function threw is the host's failure. Answer false for errors that a healthy host gives ("no such user"): they are
   * reported as success. Without it every error is a failure; so is an error for which `isFailure` throws itself.
   */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /**
   * Whether what the function gave is the host's failure all the same, such as an HTTP response with status 500. It is reported as a failure
   * then, and the call still gives it. Without it every result is a success; one for which `isFailureResult` throws itself is a failure.
   */
  readonly isFailureResult?: ((result: T) => boolean) | undefined;
}

const KNOWN = ['signal', 'timeoutMs', 'isFailure', 'isFailureResult'] as const satisfies readonly (keyof CallOptions)[];

/** @throws {LarsError} LARS_BAD_ARGUMENT naming what is wrong */
export function checkCall<T>(run: CallFunction<T>, options: CallOptions<T>): void {
  checkFunction('run', run);
  checkKeys('options', options, KNOWN);
  const { signal, timeoutMs, isFailure, isFailureResult } = options;
  checkSignal(signal);
  if (timeoutMs !== undefined) checkTimeout('timeoutMs', timeoutMs);
  if (isFailure !== undefined) checkFunction('isFailure', isFailure);
  if (isFailureResult !== undefined) checkFunction('isFailureResult', isFailureResult);
}

/** How long a call may take, and what is left of that after the pick. */
export interface CallLimit {
  readonly timeoutMs: number;
  readonly leftMs: number;
}

/** What running a call needs. */
export interface CallDeps {
  readonly nowMs: () => number;
  readonly report: (host: LarsHost, result: CallResult) => void;
}

/** What `makeCall` needs to pick and to report. */
export interface CallMaker {
  getHost(modid: number, cmdid: number, options: RequestOptions): Promise<LarsHost>;
  tryGetHost(modid: number, cmdid: number): LarsHost | undefined;
  report(host: LarsHost, result: CallResult): void;
}

/** How long a pick may take, and pick and function together where the caller does not say. */
export interface CallTimeouts {
  readonly timeoutMs: number;
  readonly callTimeoutMs: number;
}

/** Picks a host for a call whose options were checked, and runs it. */
export function makeCall<T>(
  context: RequestContext,
  run: CallFunction<T>,
  options: CallOptions<T>,
  timeouts: CallTimeouts,
  maker: CallMaker,
  nowMs: () => number,
): Promise<T> {
  if (!larsChannels.call.hasSubscribers) return pickAndRun(context, run, options, timeouts, maker, nowMs);
  const event: LarsCallEvent = { modid: context.modid, cmdid: context.cmdid };
  const observedRun: CallFunction<T> = (host, signal) => {
    event.host = host;
    return run(host, signal);
  };
  const observedMaker: CallMaker = {
    getHost: (...args) => maker.getHost(...args),
    tryGetHost: (...args) => maker.tryGetHost(...args),
    report: (host, { ok, tcostMs }) => {
      event.ok = ok;
      if (tcostMs !== undefined) event.tcostMs = tcostMs;
      maker.report(host, { ok, tcostMs });
    },
  };
  return larsChannels.call.tracePromise(() => pickAndRun(context, observedRun, options, timeouts, observedMaker, nowMs), event);
}

async function pickAndRun<T>(
  context: RequestContext,
  run: CallFunction<T>,
  options: CallOptions<T>,
  timeouts: CallTimeouts,
  maker: CallMaker,
  nowMs: () => number,
): Promise<T> {
  const { modid, cmdid } = context;
  const { signal, timeoutMs = timeouts.callTimeoutMs } = options;
  const startMs = nowMs();
  const pickTimeoutMs = Math.min(timeoutMs, timeouts.timeoutMs);
  const copied = signal?.aborted ? undefined : maker.tryGetHost(modid, cmdid);
  const host = copied ?? (await maker.getHost(modid, cmdid, { signal, timeoutMs: pickTimeoutMs }));
  if (signal?.aborted) throw abortedError(context, signal.reason);
  const limit = { timeoutMs, leftMs: Math.max(1, timeoutMs - (nowMs() - startMs)) };
  return runCall(context, host, run, options, limit, { nowMs, report: (target, result) => maker.report(target, result) });
}

/** Runs the function with a picked host, times it and reports how it went. Its result or error passes through unchanged. */
export async function runCall<T>(
  context: RequestContext,
  host: LarsHost,
  run: CallFunction<T>,
  options: CallOptions<T>,
  limit: CallLimit,
  deps: CallDeps,
): Promise<T> {
  const startMs = deps.nowMs();
  const report = (ok: boolean) => deps.report(host, { ok, tcostMs: deps.nowMs() - startMs });
  const ended = await settle(context, host, run, options.signal, limit);
  if (ended.kind === 'aborted') throw ended.error;
  if (ended.kind === 'result') {
    report(!isFailureOf(ended.result, options.isFailureResult, false));
    return ended.result;
  }
  report(ended.kind === 'error' && !isFailureOf(ended.error, options.isFailure, true));
  throw ended.error;
}

/** How the function ended, or what did not wait for its end. */
type Ended<T> =
  | { readonly kind: 'result'; readonly result: T }
  | { readonly kind: 'error' | 'aborted' | 'too long'; readonly error: unknown };

/** Runs the function until it ends, its caller aborts or its time is up, whichever is first. Never rejects, and leaves no listener behind. */
function settle<T>(
  context: RequestContext,
  host: LarsHost,
  run: CallFunction<T>,
  signal: AbortSignal | undefined,
  { timeoutMs, leftMs }: CallLimit,
): Promise<Ended<T>> {
  const controller = new AbortController();
  return new Promise(resolve => {
    const end = (ended: Ended<T>) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(ended);
    };
    const stop = (kind: 'aborted' | 'too long', error: Error, reason: unknown) => {
      end({ kind, error });
      controller.abort(reason);
    };
    const onAbort = () => stop('aborted', abortedError(context, signal?.reason, host), signal?.reason);
    const onTooLong = () => {
      const error = callTimeoutError(context, timeoutMs, host);
      stop('too long', error, error);
    };
    const timer = setTimeout(onTooLong, leftMs);
    signal?.addEventListener('abort', onAbort);
    const onError = (error: unknown) => end({ kind: 'error', error });
    try {
      Promise.resolve(run(host, controller.signal)).then(result => end({ kind: 'result', result }), onError);
    } catch (error) {
      onError(error);
    }
  });
}

/** What the caller's function says is a failure; where it throws, it is one. */
function isFailureOf<T>(value: T, decide: ((value: T) => boolean) | undefined, without: boolean): boolean {
  if (decide === undefined) return without;
  try {
    return decide(value) !== false;
  } catch {
    return true;
  }
}
