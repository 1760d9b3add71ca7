// pure
import type { HostPool } from './host-pool.ts';

/** So many hosts are looked at for the quartile; of more hosts a sample of this size. */
const SAMPLE_SIZE = 32;
/** Even where nobody errs, this share of errors is taken for normal: one failure must not condemn a host. */
const RATE_MIN = 0.01;
/** Where the best hosts err more than this, no host can be told to be worse. */
const RATE_MAX = 0.9;
/** Where the best hosts err at least this much, all err. */
const SHARED_RATE = 0.5;
/** "Errs clearly more" means: by this much. */
const EXCESS = 0.25;
const BAD_RATE_MAX = 0.97;
/**
 * Evidence, in nats, that convicts a host. With a normal rate of up to 2 % the third failure in a row reaches it, the second never
 * does. Independent errors at the normal rate reach it once in e^7 = 1,100 reports at most; in practice far less often.
 */
const LIMIT = 7;
/** Up to this normal rate the limit is as it stands; then it grows by this factor per error, for errors of a busy module come in bursts. */
const CALM_RATE = 0.02;
const LIMIT_GROWTH = 10;

/** Hosts by their numbers. */
interface ErringHosts {
  /** 0..1 */
  errorRateOf(host: number): number;
}

interface Normal {
  readonly rate: number;
  readonly limit: number;
  readonly failureEvidence: number;
  readonly successEvidence: number;
}

/** Where hardly a call fails, as in most modules: they share it. */
const NO_ERRORS = normalOf(RATE_MIN);

/** For the time of one look; a module of its own would be larger than all else that is kept here. */
const LOWEST = new Float64Array(SAMPLE_SIZE / 4 + 1);

/**
 * AD-6. What is normal now: the error rate of the best quarter of the module's hosts. A trouble that all hosts share raises it, so
 * it convicts nobody; up to three quarters of the hosts may fail, and the others still say what is normal.
 */
export class ErrorBaseline {
  #reportsLeft = 0;
  #normal = NO_ERRORS;

  /** The normal error rate, 0..1. */
  get rate(): number {
    return this.#normal.rate;
  }

  /** AD-9: is it all hosts that fail? */
  get isShared(): boolean {
    return this.#normal.rate >= SHARED_RATE;
  }

  /** AD-7: the evidence that convicts. */
  get limit(): number {
    return this.#normal.limit;
  }

  /** AD-7: what one report is worth as evidence. */
  evidenceOf(ok: boolean): number {
    return ok ? this.#normal.successEvidence : this.#normal.failureEvidence;
  }

  /** Call after each report: looks at the hosts again after half as many reports as are looked at. */
  refresh(hosts: ErringHosts, pool: HostPool, random: () => number): void {
    if (this.#reportsLeft-- > 0) return;
    this.#reportsLeft = Math.min(pool.length, SAMPLE_SIZE) >> 1;
    const rate = Math.min(RATE_MAX, this.#lowerQuartile(hosts, pool, random));
    this.#normal = rate <= RATE_MIN ? NO_ERRORS : normalOf(rate);
  }

  /** Keeps the lowest quarter in order and returns the highest of it. A sample is spread evenly over the list. */
  #lowerQuartile(hosts: ErringHosts, pool: HostPool, random: () => number): number {
    const size = Math.min(pool.length, SAMPLE_SIZE);
    const stride = pool.length / size;
    const offset = size === pool.length ? 0 : random();
    const rank = (size - 1) >> 2;
    const lowest = LOWEST.fill(1, 0, rank + 1);
    for (let i = 0; i < size; i++) {
      const host = pool[Math.floor((i + offset) * stride)];
      // A stride that was rounded up leads past the end.
      if (host === undefined) continue;
      const errorRate = hosts.errorRateOf(host);
      if (errorRate >= (lowest[rank] as number)) continue;
      let at = rank;
      for (; at > 0 && (lowest[at - 1] as number) > errorRate; at--) lowest[at] = lowest[at - 1] as number;
      lowest[at] = errorRate;
    }
    return lowest[rank] as number;
  }
}

function normalOf(rate: number): Normal {
  const bad = Math.min(BAD_RATE_MAX, rate + EXCESS);
  return {
    rate,
    limit: LIMIT * (1 + LIMIT_GROWTH * Math.max(0, rate - CALM_RATE)),
    failureEvidence: Math.log(bad / rate),
    successEvidence: Math.log((1 - bad) / (1 - rate)),
  };
}
