// pure
import {
  type BatchReportRequest,
  type GetRouteResponse,
  type HostInfo,
  type ReportRequest,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import { AgentPresence } from './agent-presence.ts';
import { OutageResults } from './outage-results.ts';

/**
 * How long after its return the agent's word that a module has no hosts is doubted: an agent that was started anew may not have reached
 * dnsserver yet. Until then the client goes on by itself with each module whose route it knows and the agent does not.
 */
export const DOUBT_MS = 10_000;
/** How often the agent is asked for a route that it has yet to get. */
const QUERY_GAP_MS = 100;
/** So many batches are sent at once after an outage, and so long after it the next ones, or the agent's socket could not take them. */
const BATCHES_AT_ONCE = 16;
const BATCH_GAP_MS = 10;
/** Reports that may yet turn out to have been refused are remembered up to this number ... */
const MAX_RECENT = 4_096;
/**
 * ... and until the socket was read twice, this many milliseconds apart. On one machine the error is there at the next reading; a longer time
 * would have what the agent has counted sent again, should it end then.
 */
const RECENT_MS = 5;
/** After more reports than this their array is given up with them. */
const MAX_RECENT_ROOM = 64;

/** What is known of a server's absence. */
export interface Absence {
  /** Undefined while the server answers. */
  readonly sinceMs: number | undefined;
  /** Calls whose results wait for its return, and calls whose results were dropped for want of room. */
  readonly unsentCalls: number;
  readonly droppedCalls: number;
}

export const NO_ABSENCE: Absence = { sinceMs: undefined, unsentCalls: 0, droppedCalls: 0 };

/** What a watch has its owner do. Before these functions return they may call `onRequest` of the watch, and nothing else. */
export interface WatchDeps {
  /** Queries the route of a module of which this version is known, 0 = none. Any answer will do. */
  sendProbe(modid: number, cmdid: number, version: number): void;
  /** Queries the route of a module, the answer to which must be given to `onRoute`. */
  queryRoute(modid: number, cmdid: number): void;
  sendBatch(batch: BatchReportRequest): void;
  /** Called whenever either may have changed. */
  onState(isAway: boolean, isOutage: boolean, nowMs: number): void;
}

/** A report with its host. */
export type HostReport = ReportRequest & { readonly host: HostInfo };

/**
 * Whether one of the agent's servers answers, and what becomes of the results while it does not. They wait until it is back and has the
 * route of their module, because it drops results of a module that it does not know. It sends nothing twice: a report counts as sent once
 * the socket was read without an error after it.
 */
export class AgentWatch {
  readonly #presence = new AgentPresence();
  readonly #results = new OutageResults();
  readonly #deps: WatchDeps;
  /** Reports that were sent before the socket was last read, and after that. */
  #older: (HostReport | BatchReportRequest)[] = [];
  #recent: (HostReport | BatchReportRequest)[] = [];
  /** How many of #recent count. The array stays, because most programs report once between two datagrams. */
  #recentCount = 0;
  #recentUntilMs: number | undefined;
  /** Since when the server is back from an outage that is not over in every way. */
  #backSinceMs: number | undefined;
  /** Modules of which the server has had the route since it is back. */
  readonly #confirmed = new Set<RouteKey>();
  #unsentBatches: BatchReportRequest[] = [];
  #nextQueryMs = 0;
  #nextBatchMs = 0;
  /**
   * What a probe asks for: a module that the server knows, because it may park a query for another one, and best one whose version is known,
   * because that is answered in a few bytes.
   */
  #probed = { modid: 0, cmdid: 0, version: 0, isKnown: false };

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  get absence(): Absence {
    const unsentCalls = this.#unsentBatches.reduce((sum, batch) => sum + callsOf(batch), this.#results.calls);
    return { sinceMs: this.#presence.awaySinceMs, unsentCalls, droppedCalls: this.#results.dropped };
  }

  get isAway(): boolean {
    return this.#presence.isAway;
  }

  /** Whether the client may have to do without the server for some module: it is away, or has not caught up since it is back. */
  get isOutage(): boolean {
    return this.#presence.isAway || this.#backSinceMs !== undefined;
  }

  /** Whether the client must do without the server for this module: it is away, or back and has not had the route yet. */
  isAwayFor(modid: number, cmdid: number): boolean {
    return this.isOutage && !this.#confirmed.has(routeKey(modid, cmdid));
  }

  /** When `onTime` has something to do. */
  get wakeAtMs(): number | undefined {
    const first = earlier(this.#presence.wakeAtMs, this.#recentUntilMs);
    if (this.#backSinceMs === undefined) return first;
    return earlier(first, this.#unsentBatches.length > 0 ? this.#nextBatchMs : this.#nextQueryMs);
  }

  onRequest(modid: number, cmdid: number, nowMs: number): void {
    if (!this.#probed.isKnown) this.#probed = { modid, cmdid, version: 0, isKnown: false };
    this.#presence.onRequest(nowMs);
  }

  /** @param isWaiting whether other requests wait for their answers */
  onDatagram(nowMs: number, isWaiting: boolean): void {
    // The kernel tells of an error before it gives a datagram, so no report from before this one was refused.
    this.#forgetRecent();
    if (this.#older.length > 0) this.#older = [];
    if (!this.#presence.onDatagram(nowMs, isWaiting)) return;
    this.#backSinceMs = nowMs;
    this.#nextQueryMs = nowMs;
    this.#nextBatchMs = nowMs;
    this.#tellState(nowMs);
  }

  /** The server has answered with a route. @returns false when the answer is doubted and must be taken for none */
  onRoute({ modid, cmdid, host, version, notModified }: GetRouteResponse): boolean {
    if (version !== 0 && version !== this.#probed.version) this.#probed = { modid, cmdid, version, isKnown: true };
    if (!this.isOutage) return true;
    if (host.length === 0 && !notModified) return this.#confirmed.has(routeKey(modid, cmdid));
    this.onConfirmed(modid, cmdid);
    return true;
  }

  /** The server has the route of this module. */
  onConfirmed(modid: number, cmdid: number): void {
    if (!this.#probed.isKnown) this.#probed = { modid, cmdid, version: 0, isKnown: true };
    if (this.#backSinceMs === undefined) return;
    const key = routeKey(modid, cmdid);
    this.#confirmed.add(key);
    if (this.#results.has(key)) this.#unsentBatches.push(...this.#results.take(key));
  }

  onFailure(nowMs: number): void {
    this.#presence.onFailure(nowMs);
    // What was sent since the socket was last read has been refused, as far as anybody can tell.
    for (const report of [...this.#older, ...this.#recent.slice(0, this.#recentCount)]) this.#results.add(batchOf(report));
    this.#onLost();
    this.#tellState(nowMs);
  }

  /** @returns whether the watch takes care of the report; otherwise it must be sent now */
  takeReport(report: HostReport | BatchReportRequest, nowMs: number): boolean {
    if (this.isAwayFor(report.modid, report.cmdid)) {
      this.#results.add(batchOf(report));
      return true;
    }
    this.#remember(report, nowMs);
    this.#presence.onReport(nowMs);
    return false;
  }

  /** To be called after the socket was read. @returns whether the server is away from now on */
  onTime(nowMs: number): boolean {
    if (this.#recentUntilMs !== undefined) this.#rotateRecent(nowMs);
    const step = this.#presence.onTime(nowMs);
    if (step === 'probe') this.#deps.sendProbe(this.#probed.modid, this.#probed.cmdid, this.#probed.version);
    if (step === 'lost') this.#onLost();
    if (this.#backSinceMs !== undefined) this.#catchUp(nowMs, this.#backSinceMs);
    this.#tellState(nowMs);
    return step === 'lost';
  }

  /** Everything that is unsent, because the client closes: a server that hangs may read it later. */
  takeAll(): BatchReportRequest[] {
    this.#releaseAll();
    return this.#unsentBatches.splice(0);
  }

  #tellState(nowMs: number): void {
    this.#deps.onState(this.isAway, this.isOutage, nowMs);
  }

  #onLost(): void {
    this.#backSinceMs = undefined;
    this.#confirmed.clear();
    for (const batch of this.#unsentBatches.splice(0)) this.#results.add(batch);
    this.#older = [];
    this.#forgetRecent();
  }

  #remember(report: HostReport | BatchReportRequest, nowMs: number): void {
    if (this.#recentCount < MAX_RECENT) this.#recent[this.#recentCount++] = report;
    this.#recentUntilMs ??= nowMs + RECENT_MS;
  }

  #forgetRecent(): void {
    if (this.#recentCount > MAX_RECENT_ROOM) this.#recent = [];
    this.#recentCount = 0;
  }

  /** Between two calls of `onTime` the socket is read. */
  #rotateRecent(nowMs: number): void {
    this.#older = this.#recent.slice(0, this.#recentCount);
    this.#forgetRecent();
    this.#recentUntilMs = this.#older.length > 0 ? nowMs + RECENT_MS : undefined;
  }

  #catchUp(nowMs: number, backSinceMs: number): void {
    const isOver = nowMs >= backSinceMs + DOUBT_MS;
    if (isOver) this.#releaseAll();
    else if (nowMs >= this.#nextQueryMs) {
      this.#nextQueryMs = nowMs + QUERY_GAP_MS;
      for (const [, { modid, cmdid }] of this.#results.modules()) this.#deps.queryRoute(modid, cmdid);
    }
    if (this.#unsentBatches.length > 0 && nowMs >= this.#nextBatchMs) {
      this.#nextBatchMs = nowMs + BATCH_GAP_MS;
      for (const batch of this.#unsentBatches.splice(0, BATCHES_AT_ONCE)) {
        this.#deps.sendBatch(batch);
        this.#remember(batch, nowMs);
      }
    }
    if (!isOver || this.#unsentBatches.length > 0) return;
    this.#backSinceMs = undefined;
    this.#confirmed.clear();
  }

  #releaseAll(): void {
    for (const [key] of [...this.#results.modules()]) this.#unsentBatches.push(...this.#results.take(key));
  }
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

function callsOf({ results }: BatchReportRequest): number {
  return results.reduce((sum, { succ, err }) => sum + succ + err, 0);
}

/** A single report as a batch: its host was picked by the agent, or by nobody that the client knows. */
export function batchOf(report: HostReport | BatchReportRequest): BatchReportRequest {
  if ('results' in report) return report;
  const { modid, cmdid, retcode, tcost } = report;
  const { ip, port, addr } = report.host;
  const ok = retcode === 0;
  return {
    modid,
    cmdid,
    results: [{ ip, port, addr, succ: ok ? 1 : 0, err: ok ? 0 : 1, tcost }],
    fromCopy: false,
    simulated: false,
  };
}
