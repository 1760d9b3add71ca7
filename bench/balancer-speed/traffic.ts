import { type HostInfo, hostKey } from '@lars/proto';
import type { Balancer, BalancerFactory } from '../../agent/src/balancer/balancer.ts';

export const SITUATIONS = ['healthy', 'failing', 'ejected'] as const;
/** What becomes of calls to the first host; all others are well. */
export type Situation = (typeof SITUATIONS)[number];

/** A failing host's every so manyth call fails. */
const FAILURE_EVERY: Readonly<Record<Situation, number>> = { healthy: Number.POSITIVE_INFINITY, failing: 20, ejected: 1 };
/** A call is reported when so many others have been picked since. A power of two. */
const UNDER_WAY = 16;
/** Ten thousand calls a second, on a clock of microseconds. */
const STEP_MS = 0.1;
/** Durations and chances are drawn beforehand, so that drawing costs nothing while time is taken. A power of two. */
const DRAWN = 4_096;

/** One module's callers: each run goes on where the last one ended. */
export class Traffic {
  readonly #balancer: Balancer;
  readonly #failureEvery: number;
  readonly #underWay: (HostInfo | undefined)[] = new Array(UNDER_WAY).fill(undefined);
  readonly #durationMs = Array.from({ length: DRAWN }, (_, i) => 2 + ((i * 7) % 19));
  #calls = 0;
  #callsToFirst = 0;

  constructor(factory: BalancerFactory, hostCount: number, situation: Situation) {
    this.#balancer = factory({ random: Math.random, onTransition() {} });
    this.#failureEvery = FAILURE_EVERY[situation];
    this.#balancer.setHosts(Array.from({ length: hostCount }, hostAt), 0);
  }

  run(calls: number): void {
    for (let i = 0; i < calls; i++) {
      const nowMs = ++this.#calls * STEP_MS;
      const slot = this.#calls & (UNDER_WAY - 1);
      const done = this.#underWay[slot];
      if (done !== undefined) this.#report(done, nowMs);
      this.#underWay[slot] = this.#balancer.pick(nowMs);
    }
  }

  #report(host: HostInfo, nowMs: number): void {
    const isFirst = host.port === FIRST_PORT;
    if (isFirst) this.#callsToFirst += 1;
    const ok = !isFirst || this.#callsToFirst % this.#failureEvery !== 0;
    this.#balancer.report(hostKey(host), ok, this.#durationMs[this.#calls & (DRAWN - 1)], nowMs);
  }
}

const FIRST_PORT = 8_000;

function hostAt(_: unknown, index: number): HostInfo {
  return { ip: 0x0a00_0001, port: FIRST_PORT + index, weight: 0, addr: '', zone: '', drain: false };
}
