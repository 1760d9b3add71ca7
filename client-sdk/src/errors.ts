// pure
/** What this package throws: one class, and a function for each error of a request, which says what to do about it. */
import { formatModule, type ModuleId } from '@lars/proto';
import { suggest } from '@lars/proto/suggestion';
import type { LarsHost } from './lars-host.ts';

/** What can go wrong, as callers tell it apart, one code for each thing. Stable: code and metrics may compare these strings. */
const CODES = [
  'LARS_OVERLOAD',
  'LARS_NO_EXIST',
  'LARS_SYSTEM_ERROR',
  'LARS_AGENT_SILENT',
  'LARS_AGENT_UNREACHABLE',
  'LARS_CALL_TIMEOUT',
  'LARS_NO_ROUTE',
  'LARS_ABORTED',
  'LARS_CLOSED',
  'LARS_TOO_MANY_PENDING',
  'LARS_BAD_ARGUMENT',
] as const;

export type LarsErrorCode = (typeof CODES)[number];

export interface LarsErrorDetails {
  readonly modid?: number | undefined;
  readonly cmdid?: number | undefined;
  readonly host?: LarsHost | undefined;
  readonly cause?: unknown;
}

/** In the registry of all realms, because two copies of this package in one process have two classes of one name. */
const BRAND: unique symbol = Symbol.for('lars.error');

/** Everything that this package throws or rejects with by itself. What a function given to `call` throws passes unchanged. */
export class LarsError extends Error {
  override readonly name = 'LarsError';
  readonly code: LarsErrorCode;
  /** The module that was asked for, where the error belongs to one. */
  readonly modid: number | undefined;
  readonly cmdid: number | undefined;
  /** The host that was being called, where one was. */
  readonly host: LarsHost | undefined;

  constructor(code: LarsErrorCode, message: string, details: LarsErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.modid = details.modid;
    this.cmdid = details.cmdid;
    this.host = details.host;
  }

  get [BRAND](): true {
    return true;
  }

  /**
   * LARS_TIMEOUT, which was the code of three things: LARS_AGENT_SILENT, LARS_CALL_TIMEOUT and LARS_NO_ROUTE.
   * @deprecated compare `code`; will be gone in the next release
   */
  get formerCode(): LarsErrorCode | 'LARS_TIMEOUT' {
    return TIMEOUTS.has(this.code) ? 'LARS_TIMEOUT' : this.code;
  }
}

const TIMEOUTS: ReadonlySet<LarsErrorCode> = new Set(['LARS_AGENT_SILENT', 'LARS_CALL_TIMEOUT', 'LARS_NO_ROUTE']);

/** A LarsError with one of these codes. That of a call that took too long has a host. */
export type LarsErrorOf<Code extends LarsErrorCode> = LarsError & {
  readonly code: Code;
  readonly host: [Code] extends ['LARS_CALL_TIMEOUT'] ? LarsHost : LarsHost | undefined;
};

/**
 * Whether an error is one of this package, also of another copy of it in the same process, and has one of the codes where some are given.
 * @throws {LarsError} LARS_BAD_ARGUMENT where a code does not exist, with `error` as its cause
 */
export function isLarsError<Code extends LarsErrorCode = LarsErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is LarsErrorOf<Code> {
  for (const code of codes) {
    if (CODES.includes(code)) continue;
    throw new LarsError('LARS_BAD_ARGUMENT', `there is no code '${code}': ${suggest(String(code), CODES)}`, { cause: error });
  }
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false;
  const isAnyOf: readonly LarsErrorCode[] = codes;
  return codes.length === 0 || isAnyOf.includes((error as LarsError).code);
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

export function agentSilentError(context: RequestContext, timeoutMs: number): LarsError {
  return requestError(
    'LARS_AGENT_SILENT',
    context,
    `no answer from agent ${context.agent} within ${timeoutMs} ms; see whether the agent is stuck, or raise timeoutMs`,
  );
}

export function noRouteError(context: RequestContext, timeoutMs: number, last: unknown): LarsError {
  return requestError(
    'LARS_NO_ROUTE',
    context,
    `agent ${context.agent} had no route within ${timeoutMs} ms; add the route, or see the cause for what kept it`,
    { cause: last },
  );
}

export function callTimeoutError(context: RequestContext, timeoutMs: number, host: LarsHost): LarsError {
  return requestError(
    'LARS_CALL_TIMEOUT',
    context,
    `the call to ${host} (picked by agent ${context.agent}) took longer than ${timeoutMs} ms; see whether the host hangs, or raise timeoutMs`,
    { host },
  );
}

/** Of a request of node:http, which does not know the agent. */
export function headersTimeoutError({ modid, cmdid }: ModuleId, timeoutMs: number, host: LarsHost): LarsError {
  const text = `no response from ${host} within ${timeoutMs} ms; see whether the host hangs, or raise timeoutMs`;
  return new LarsError('LARS_CALL_TIMEOUT', `module ${formatModule(modid, cmdid)}: ${text}`, { modid, cmdid, host });
}

export function unreachableError(context: RequestContext, cause: Error): LarsError {
  return requestError(
    'LARS_AGENT_UNREACHABLE',
    context,
    `agent ${context.agent} cannot be reached (${cause.message}); see whether the agent runs and listens there`,
    { cause },
  );
}

/** @param host the one that was being called, where the request was past its pick */
export function abortedError(context: RequestContext, reason: unknown, host?: LarsHost): LarsError {
  const what = host === undefined ? `the request to agent ${context.agent}` : `the call to ${host}`;
  return requestError('LARS_ABORTED', context, `the caller's signal aborted ${what}`, { cause: reason, host });
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
  return isLarsError(error, 'LARS_AGENT_SILENT', 'LARS_AGENT_UNREACHABLE');
}

function requestError(
  code: LarsErrorCode,
  { modid, cmdid }: RequestContext,
  text: string,
  details: Pick<LarsErrorDetails, 'cause' | 'host'> = {},
): LarsError {
  return new LarsError(code, `module ${formatModule(modid, cmdid)}: ${text}`, { modid, cmdid, ...details });
}
