import { LarsError, type LarsErrorCode, noExistError, noRouteError, type RequestContext } from './errors.ts';
import type { Route } from './route.ts';

/** What waiting for a route needs. */
export interface RegisterDeps {
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Asks the agent once. */
  readonly getRoute: (timeoutMs: number) => Promise<Route>;
  /** Waits; ends early, and never rejects, when the caller aborts or the client closes. */
  readonly pause: (ms: number) => Promise<void>;
}

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** Failures that may be over by the next attempt; all others end the waiting. */
const TRANSIENT: ReadonlySet<LarsErrorCode> = new Set([
  'LARS_AGENT_SILENT',
  'LARS_AGENT_UNREACHABLE',
  'LARS_SYSTEM_ERROR',
  'LARS_TOO_MANY_PENDING',
]);

/**
 * Asks for a route until it has hosts, with growing pauses. Each pause is a random part of its length, at least half of it, so that many
 * processes that start together do not ask together.
 * @throws {LarsError} LARS_NO_ROUTE at the deadline, with the last failure as its cause; any failure that is not transient, at once
 */
export async function waitForRoute(context: RequestContext, timeoutMs: number, deps: RegisterDeps): Promise<Route> {
  const deadlineMs = deps.nowMs() + timeoutMs;
  let pauseMs = FIRST_PAUSE_MS;
  let last: LarsError | undefined;
  for (let leftMs = timeoutMs; leftMs > 0; leftMs = deadlineMs - deps.nowMs()) {
    const outcome = await askOnce(leftMs, deps);
    if (!(outcome instanceof LarsError) && outcome.hosts.length > 0) return outcome;
    last = outcome instanceof LarsError ? outcome : noExistError(context);
    await deps.pause(Math.min(deadlineMs - deps.nowMs(), pauseMs * (0.5 + deps.random() / 2)));
    pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
  }
  throw noRouteError(context, timeoutMs, last);
}

async function askOnce(leftMs: number, deps: RegisterDeps): Promise<Route | LarsError> {
  try {
    return await deps.getRoute(leftMs);
  } catch (error) {
    if (error instanceof LarsError && TRANSIENT.has(error.code)) return error;
    throw error;
  }
}
