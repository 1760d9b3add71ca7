// pure
import { SlidingShares } from './measure.ts';
import { type EndedCall, type TroubleNumbers, TroubleRecord } from './trouble-record.ts';

/** The events of business code's calls. */
export interface CallObserver {
  /** A call to the host with this authority ('127.0.0.1:8080') begins. */
  began(host: string, nowMs: number): void;
  ended(call: EndedCall): void;
}

export interface CallCounts {
  readonly calls: number;
  readonly failed: number;
}

export interface Totals extends CallCounts {
  /** Failed calls for which LARS named no host. */
  readonly withoutHost: number;
}

/** Keeps the score of all calls, host by host, and of the hosts' troubles. */
export class Scoreboard implements CallObserver {
  readonly windowMs: number;
  readonly hosts: readonly string[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #shares: SlidingShares;
  readonly #perHost: { calls: number; failed: number }[];
  readonly #totals = { calls: 0, failed: 0, withoutHost: 0 };
  readonly #troubles: TroubleRecord[] = [];
  /** The last trouble of each host: its share is watched until the next one. */
  readonly #watched = new Map<number, TroubleRecord>();

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
    this.#shares.add(this.#find(host), nowMs);
    this.look(nowMs);
  }

  ended(call: EndedCall): void {
    const { host, ok } = call;
    for (const trouble of this.#troubles) trouble.add(call);
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

  /**
   * From now on the host's share is watched. A trouble that lasts is over: only one lasts at a time.
   * @param host undefined: none of them is in trouble, and what is noted is how all of them fare
   */
  troubleBegan(host: string | undefined, nowMs: number): void {
    this.troubleEnded(nowMs);
    const trouble = new TroubleRecord(host, this.hosts, nowMs);
    if (host !== undefined) this.#watched.set(this.#find(host), trouble);
    this.#troubles.push(trouble);
  }

  /** The trouble that lasts is over, if there is one. */
  troubleEnded(nowMs: number): void {
    this.#troubles.at(-1)?.end(nowMs);
  }

  /** To be called now and then, so that old calls leave the window although no new ones come. */
  look(nowMs: number): void {
    for (const [host, trouble] of this.#watched) trouble.observe(this.#shares.share(host, nowMs), nowMs);
  }

  /** What each host gets while all is well: they are equal then. */
  usualShare(): number {
    return 1 / this.hosts.length;
  }

  /** 0..1; undefined before the first call. */
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

  /** In the order in which they began. */
  get troubles(): TroubleNumbers[] {
    return this.#troubles.map(({ numbers }) => numbers);
  }

  #find(host: string): number {
    const index = this.#indexOf.get(host);
    if (index === undefined) throw new RangeError(`${host} is not one of ${this.hosts.join(', ')}`);
    return index;
  }
}
