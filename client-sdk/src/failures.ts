// pure
/** The errors of a request, each with its module, the agent that was asked, and what to do about it. */
import { formatModule } from '@lars/proto';
import { LarsError } from './errors.ts';

/** What a request asks for, and whom. */
export interface RequestContext {
  readonly modid: number;
  readonly cmdid: number;
  /** The agent's address, 'HOST:PORT'. */
  readonly agent: string;
}

const moduleOf = (q: RequestContext): string => formatModule(q.modid, q.cmdid);

export function overload(q: RequestContext): LarsError {
  return new LarsError(
    'LARS_OVERLOAD',
    `module ${moduleOf(q)}: agent ${q.agent} says that all its hosts are overloaded; shed this call or try again later`,
    q,
  );
}

export function noExist(q: RequestContext): LarsError {
  return new LarsError(
    'LARS_NO_EXIST',
    `module ${moduleOf(q)}: agent ${q.agent} knows no host of it; check modid and cmdid, add a route, or wait for it with register()`,
    q,
  );
}

export function systemError(q: RequestContext, why: string): LarsError {
  return new LarsError('LARS_SYSTEM_ERROR', `module ${moduleOf(q)}: agent ${q.agent} ${why}; look into the agent's log`, q);
}

export function timeout(q: RequestContext, timeoutMs: number): LarsError {
  return new LarsError(
    'LARS_TIMEOUT',
    `module ${moduleOf(q)}: no answer from agent ${q.agent} within ${timeoutMs} ms; see whether the agent is stuck, or raise timeoutMs`,
    q,
  );
}

export function registerTimeout(q: RequestContext, timeoutMs: number, last: unknown): LarsError {
  return new LarsError(
    'LARS_TIMEOUT',
    `module ${moduleOf(q)}: agent ${q.agent} had no route within ${timeoutMs} ms; add the route, or see the cause for what kept it`,
    { ...q, cause: last },
  );
}

export function callTimeout(q: RequestContext, timeoutMs: number | undefined, host: string): LarsError {
  return new LarsError(
    'LARS_TIMEOUT',
    `module ${moduleOf(q)}: the call to ${host} (picked by agent ${q.agent}) took longer than ${timeoutMs} ms; see whether the host hangs, or raise timeoutMs`,
    q,
  );
}

export function agentUnreachable(q: RequestContext, cause: Error): LarsError {
  return new LarsError(
    'LARS_AGENT_UNREACHABLE',
    `module ${moduleOf(q)}: agent ${q.agent} cannot be reached (${cause.message}); see whether the agent runs and listens there`,
    { ...q, cause },
  );
}

export function aborted(q: RequestContext, reason: unknown): LarsError {
  return new LarsError('LARS_ABORTED', `module ${moduleOf(q)}: the caller's signal aborted the request to agent ${q.agent}`, {
    ...q,
    cause: reason,
  });
}

export function closed(q: RequestContext): LarsError {
  return new LarsError(
    'LARS_CLOSED',
    `module ${moduleOf(q)}: this client of agent ${q.agent} is closed; make a new LarsClient`,
    q,
  );
}

export function tooManyPending(q: RequestContext, maxPending: number): LarsError {
  return new LarsError(
    'LARS_TOO_MANY_PENDING',
    `module ${moduleOf(q)}: ${maxPending} requests wait for agent ${q.agent} and its siblings already; call less at once or raise maxPending`,
    q,
  );
}
