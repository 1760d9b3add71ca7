// pure
/** What this package throws: one class, and a function for each error of a request, which says what to do about it. */
import { formatModule } from '@lars/proto';

/** What can go wrong, as callers tell it apart. Stable: code and metrics may compare these strings. */
export type LarsErrorCode =
  | 'LARS_OVERLOAD'
  | 'LARS_NO_EXIST'
  | 'LARS_SYSTEM_ERROR'
  | 'LARS_TIMEOUT'
  | 'LARS_AGENT_UNREACHABLE'
  | 'LARS_ABORTED'
  | 'LARS_CLOSED'
  | 'LARS_TOO_MANY_PENDING'
  | 'LARS_BAD_ARGUMENT';

export interface LarsErrorDetails {
  readonly modid?: number | undefined;
  readonly cmdid?: number | undefined;
  readonly cause?: unknown;
}

/** Everything that this package throws or rejects with by itself. What a function given to `call` throws passes unchanged. */
export class LarsError extends Error {
  override readonly name = 'LarsError';
  readonly code: LarsErrorCode;
  /** The module that was asked for, where the error belongs to one. */
  readonly modid: number | undefined;
  readonly cmdid: number | undefined;

  constructor(code: LarsErrorCode, message: string, details: LarsErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.modid = details.modid;
    this.cmdid = details.cmdid;
  }
}

/** What a request is about, for the texts of its errors. */
export interface RequestContext {
  readonly modid: number;
  readonly cmdid: number;
  /** The agent's address, 'HOST:PORT'. */
  readonly agent: string;
}

export function overloadError(context: RequestContext): LarsError {
  return requestError(
    'LARS_OVERLOAD',
    context,
    `agent ${context.agent} says that none of its hosts may be called now; shed this call or try again later`,
  );
}

export function noExistError(context: RequestContext): LarsError {
  return requestError(
    'LARS_NO_EXIST',
    context,
    `agent ${context.agent} knows no host of it; check modid and cmdid, add a route, or wait for it with register()`,
  );
}

export function systemError(context: RequestContext, why: string): LarsError {
  return requestError('LARS_SYSTEM_ERROR', context, `agent ${context.agent} ${why}; look into the agent's log`);
}

export function timeoutError(context: RequestContext, timeoutMs: number): LarsError {
  return requestError(
    'LARS_TIMEOUT',
    context,
    `no answer from agent ${context.agent} within ${timeoutMs} ms; see whether the agent is stuck, or raise timeoutMs`,
  );
}

export function registerTimeoutError(context: RequestContext, timeoutMs: number, last: unknown): LarsError {
  return requestError(
    'LARS_TIMEOUT',
    context,
    `agent ${context.agent} had no route within ${timeoutMs} ms; add the route, or see the cause for what kept it`,
    last,
  );
}

export function callTimeoutError(context: RequestContext, timeoutMs: number | undefined, host: string): LarsError {
  return requestError(
    'LARS_TIMEOUT',
    context,
    `the call to ${host} (picked by agent ${context.agent}) took longer than ${timeoutMs} ms; see whether the host hangs, or raise timeoutMs`,
  );
}

export function unreachableError(context: RequestContext, cause: Error): LarsError {
  return requestError(
    'LARS_AGENT_UNREACHABLE',
    context,
    `agent ${context.agent} cannot be reached (${cause.message}); see whether the agent runs and listens there`,
    cause,
  );
}

export function abortedError(context: RequestContext, reason: unknown): LarsError {
  return requestError('LARS_ABORTED', context, `the caller's signal aborted the request to agent ${context.agent}`, reason);
}

export function closedError(context: RequestContext): LarsError {
  return requestError('LARS_CLOSED', context, `this client of agent ${context.agent} is closed; make a new LarsClient`);
}

export function tooManyPendingError(context: RequestContext, maxPending: number): LarsError {
  return requestError(
    'LARS_TOO_MANY_PENDING',
    context,
    `${maxPending} requests wait for agent ${context.agent} and its siblings already; call less at once or raise maxPending`,
  );
}

/** Whether the agent has not answered a request, for which the client may then pick by itself. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof LarsError && (error.code === 'LARS_TIMEOUT' || error.code === 'LARS_AGENT_UNREACHABLE');
}

function requestError(code: LarsErrorCode, { modid, cmdid }: RequestContext, text: string, cause?: unknown): LarsError {
  return new LarsError(code, `module ${formatModule(modid, cmdid)}: ${text}`, { modid, cmdid, cause });
}
