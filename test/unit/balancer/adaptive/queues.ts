import type { HostInfo } from '@lars/proto';
import type { AdaptiveWorld } from './adaptive-world.ts';

interface Call {
  readonly host: HostInfo;
  readonly sentMs: number;
  readonly endMs: number;
  readonly ok: boolean;
}

/** The callers of a world whose hosts serve one call after the other; who waits for too long gives up, but is served all the same. */
export class Queues {
  readonly #world: AdaptiveWorld;
  readonly #serviceMs: number;
  readonly #timeoutMs: number;
  readonly #random: () => number;
  readonly #freeAtMs = new Map<number, number>();
  #underWay: Call[] = [];
  refused = 0;
  /** Answered in time. */
  served = 0;

  constructor(world: AdaptiveWorld, serviceMs: number, timeoutMs: number, random: () => number) {
    this.#world = world;
    this.#serviceMs = serviceMs;
    this.#timeoutMs = timeoutMs;
    this.#random = random;
  }

  /** Calls come by chance, so many a second. */
  run(forMs: number, callsPerSec: number): void {
    const world = this.#world;
    const endMs = world.nowMs + forMs;
    for (;;) {
      const nextMs = world.nowMs - (Math.log(1 - this.#random()) * 1_000) / callsPerSec;
      if (nextMs > endMs) break;
      this.#reportUntil(nextMs);
      world.nowMs = nextMs;
      this.#call();
    }
    this.#reportUntil(endMs);
    world.nowMs = endMs;
  }

  #call(): void {
    const { nowMs } = this.#world;
    const picked = this.#world.pick();
    if (picked === undefined) {
      this.refused += 1;
      return;
    }
    const doneMs = Math.max(nowMs, this.#freeAtMs.get(picked.port) ?? 0) + this.#serviceMs;
    this.#freeAtMs.set(picked.port, doneMs);
    const ok = doneMs - nowMs <= this.#timeoutMs;
    this.#underWay.push({ host: picked, sentMs: nowMs, endMs: ok ? doneMs : nowMs + this.#timeoutMs, ok });
  }

  #reportUntil(untilMs: number): void {
    const due = this.#underWay.filter(({ endMs }) => endMs <= untilMs).sort((a, b) => a.endMs - b.endMs);
    if (due.length === 0) return;
    this.#underWay = this.#underWay.filter(({ endMs }) => endMs > untilMs);
    for (const { host, sentMs, endMs, ok } of due) {
      this.#world.nowMs = endMs;
      if (ok) this.#world.succeed(host, 1, endMs - sentMs);
      else this.#world.fail(host, 1, endMs - sentMs);
      if (ok) this.served += 1;
    }
  }
}
