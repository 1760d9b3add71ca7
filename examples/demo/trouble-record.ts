// pure
import { Latencies } from './latencies.ts';
import { NO_SHARE_NUMBERS, type ShareNumbers, ShareWatch } from './measure.ts';

/** A call of business code that is over. Times are monotonic, ms. */
export interface EndedCall {
  /** '127.0.0.1:8080'; undefined when LARS named none. */
  readonly host: string | undefined;
  readonly ok: boolean;
  /** When business code began it: the request to LARS is a part of it. */
  readonly beganMs: number;
  readonly endedMs: number;
}

/** How one host fared in its trouble, and the module with it. Counts are of the calls that began while the trouble lasted. */
export interface TroubleNumbers extends ShareNumbers {
  /** Undefined: none was in trouble. */
  readonly host: string | undefined;
  /** What a host gets while all is well, 0..1. */
  readonly usualShare: number;
  /** Monotonic, as all times are that it was made of. */
  readonly beganMs: number;
  /** How long it lasted; undefined while it does. */
  readonly lastedMs: number | undefined;
  readonly calls: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Failed calls for which LARS named no host. */
  readonly withoutHost: number;
  /** Calls to the troubled host. */
  readonly callsToHost: number;
  /** Calls to each host, in the order of the module's hosts. */
  readonly callsPerHost: readonly number[];
  /** The latency of the calls that succeeded; undefined when none did. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** The record of one trouble of one host, or of a time in which none is in trouble. It begins with the object. */
export class TroubleRecord {
  readonly #host: string | undefined;
  readonly #callsTo: Map<string, number>;
  readonly #beganMs: number;
  #endedMs = Number.POSITIVE_INFINITY;
  /** Of the troubled host. */
  readonly #watch: ShareWatch | undefined;
  readonly #latencies = new Latencies();
  readonly #counts = { succeeded: 0, failed: 0, withoutHost: 0 };

  /**
   * @param host the troubled one; undefined: none is
   * @param hosts all of the module
   */
  constructor(host: string | undefined, hosts: readonly string[], nowMs: number) {
    this.#host = host;
    this.#callsTo = new Map(hosts.map(one => [one, 0]));
    this.#beganMs = nowMs;
    this.#watch = host === undefined ? undefined : new ShareWatch(this.#usualShare, nowMs);
  }

  get numbers(): TroubleNumbers {
    const { succeeded, failed } = this.#counts;
    return {
      host: this.#host,
      usualShare: this.#usualShare,
      beganMs: this.#beganMs,
      lastedMs: this.#endedMs === Number.POSITIVE_INFINITY ? undefined : this.#endedMs - this.#beganMs,
      calls: succeeded + failed,
      ...this.#counts,
      callsToHost: this.#callsTo.get(this.#host ?? '') ?? 0,
      callsPerHost: [...this.#callsTo.values()],
      p50Ms: this.#latencies.quantile(0.5),
      p99Ms: this.#latencies.quantile(0.99),
      ...(this.#watch?.numbers ?? NO_SHARE_NUMBERS),
    };
  }

  end(nowMs: number): void {
    if (this.#endedMs !== Number.POSITIVE_INFINITY) return;
    this.#endedMs = nowMs;
    this.#watch?.troubleEnded(nowMs);
  }

  /** The host's share as it is now; undefined, which says nothing, is ignored. */
  observe(share: number | undefined, nowMs: number): void {
    this.#watch?.observe(share, nowMs);
  }

  /** A call that began during the trouble is counted, even if it ends later. */
  add({ host, ok, beganMs, endedMs }: EndedCall): void {
    if (beganMs < this.#beganMs || beganMs >= this.#endedMs) return;
    const counts = this.#counts;
    if (ok) {
      counts.succeeded += 1;
      this.#latencies.add(endedMs - beganMs);
    } else counts.failed += 1;
    if (host === undefined) counts.withoutHost += 1;
    else this.#callsTo.set(host, (this.#callsTo.get(host) ?? 0) + 1);
  }

  get #usualShare(): number {
    return 1 / this.#callsTo.size;
  }
}
