// pure
import type { LarsHost } from '../lars-host.ts';
import type { HostStats } from './host-stats.ts';

/** Who picked a host for a call, and what the client that was given it knows of it. */
export interface PickRecord {
  readonly pickedBy: 'agent' | 'client';
  /** Undefined where the client has no copy of the route with this host. */
  readonly stats: HostStats | undefined;
}

/**
 * The record hangs on the host under a symbol, so that the public class knows nothing of the cache. A WeakMap would hide it as well, but
 * every report looks it up, and a property costs a tenth of that.
 */
const RECORD = Symbol('pick');

interface Recorded {
  readonly [RECORD]?: PickRecord;
}

/** Not enumerable: a copy of the host is a target that somebody wrote by hand, and nobody sees the record when the host is printed. */
export function recordPick(host: LarsHost, pickedBy: PickRecord['pickedBy'], stats: HostStats | undefined): void {
  Object.defineProperty(host, RECORD, { value: { pickedBy, stats } });
}

/** @returns undefined for everything that no client has picked, whatever it is */
export function pickRecordOf(target: unknown): PickRecord | undefined {
  return (target as Recorded | null | undefined)?.[RECORD];
}

/**
 * Nobody will call this host, so that nobody will report it: it is not in flight any more, as far as this client counts. Of a pick of the agent's the
 * agent cannot be told; it gives the call up after some seconds.
 */
export function takeBackPick(host: LarsHost): void {
  pickRecordOf(host)?.stats?.cancelCall();
}
