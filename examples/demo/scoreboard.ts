// pure
import { type OutageNumbers, OutageWatch, SlidingShares } from './measure.ts';

/** What business code tells of its calls. */
export interface CallObserver {
  /** A call to the host with this authority ('127.0.0.1:8080') begins. */
  began(host: string, nowMs: number): void;
  /** A call ended. `host` is undefined when LARS named none. */
  ended(host: string | undefined, ok: boolean): void;
}

export interface CallCounts {
  readonly calls: number;
  readonly failed: number;
}

export interface Totals extends CallCounts {
  /** Failed calls for which LARS named no host. */
  readonly withoutHost: number;
}

/** How the stopped host fared. */
export interface OutageResult extends OutageNumbers {
  readonly host: string;
  readonly fairShare: number;
  /** Calls that began while it was down, ... */
  readonly callsWhileDown: number;
  /** ... and how many of them were sent to it. */
  readonly callsToDeadHost: number;
}

/** Keeps the score of all calls, host by host, and of one host's outage. */
export class Scoreboard implements CallObserver {
  readonly windowMs: number;
  readonly hosts: readonly string[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #shares: SlidingShares;
  readonly #perHost: { calls: number; failed: number }[];
  readonly #totals = { calls: 0, failed: 0, withoutHost: 0 };
  #outage: { readonly host: number; readonly watch: OutageWatch; down: boolean; calls: number; lost: number } | undefined;

  /** @param hosts the authorities of the module's hosts */
  constructor(hosts: readonly string[], windowMs: number) {
    this.windowMs = windowMs;
    this.hosts = hosts;
    this.#indexOf = new Map(hosts.map((host, index) => [host, index]));
    this.#shares = new SlidingShares(hosts.length, windowMs);
    this.#perHost = hosts.map(() => ({ calls: 0, failed: 0 }));
  }

  get totals(): Totals {
    return { ...this.#totals };
  }

  began(host: string, nowMs: number): void {
    const index = this.#find(host);
    this.#shares.add(index, nowMs);
    const outage = this.#outage;
    if (outage?.down) {
      outage.calls += 1;
      if (index === outage.host) outage.lost += 1;
    }
    this.look(nowMs);
  }

  ended(host: string | undefined, ok: boolean): void {
    this.#totals.calls += 1;
    if (!ok) this.#totals.failed += 1;
    if (host === undefined) {
      this.#totals.withoutHost += 1;
      return;
    }
    const counts = this.#perHost[this.#find(host)];
    if (counts === undefined) return;
    counts.calls += 1;
    if (!ok) counts.failed += 1;
  }

  /** The host was stopped; from now on its share is watched. */
  hostStopped(host: string, nowMs: number): void {
    const index = this.#find(host);
    const watch = new OutageWatch(this.fairShare());
    watch.stopped(nowMs);
    this.#outage = { host: index, watch, down: true, calls: 0, lost: 0 };
  }

  /** The host that was stopped runs again. */
  hostRestarted(nowMs: number): void {
    if (this.#outage === undefined) return;
    this.#outage.down = false;
    this.#outage.watch.restarted(nowMs);
  }

  /** Sees to it that time alone is noticed too: old calls leave the window. */
  look(nowMs: number): void {
    if (this.#outage === undefined) return;
    this.#outage.watch.observe(this.#shares.share(this.#outage.host, nowMs), nowMs);
  }

  /** All hosts are equal here. */
  fairShare(): number {
    return 1 / this.hosts.length;
  }

  /** 0..1; undefined while nobody was called. */
  share(host: string, nowMs: number): number | undefined {
    return this.#shares.share(this.#find(host), nowMs);
  }

  countsOf(host: string): CallCounts {
    return { calls: 0, failed: 0, ...this.#perHost[this.#find(host)] };
  }

  /** Calls to hosts per second, over the window. */
  ratePerSecond(nowMs: number): number {
    return this.#shares.total(nowMs) / (this.windowMs / 1_000);
  }

  outage(): OutageResult | undefined {
    if (this.#outage === undefined) return undefined;
    const { host, watch, calls, lost } = this.#outage;
    return {
      host: this.hosts[host] ?? '',
      fairShare: this.fairShare(),
      ...watch.numbers,
      callsWhileDown: calls,
      callsToDeadHost: lost,
    };
  }

  #find(host: string): number {
    const index = this.#indexOf.get(host);
    if (index === undefined) throw new RangeError(`${host} is not one of ${this.hosts.join(', ')}`);
    return index;
  }
}
