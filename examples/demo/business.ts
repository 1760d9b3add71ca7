/** The business code: it asks LARS for a host, calls it over HTTP, and reports the result. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LarsClient } from '@lars/client-sdk';
import { Pacer } from './pacer.ts';
import type { CallObserver } from './scoreboard.ts';

export interface BusinessOptions {
  readonly client: Pick<LarsClient, 'call'>;
  readonly modid: number;
  readonly cmdid: number;
  /** How many callers there are; each makes its next call when the last one has ended. */
  readonly callers: number;
  /** What all of them together do at most. */
  readonly ratePerSecond: number;
  /** How long a call may take. */
  readonly timeoutMs: number;
  readonly observer: CallObserver;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** Callers in a closed loop: where hosts are slow, they call less. They start at once. */
export class Business {
  readonly #options: BusinessOptions;
  readonly #pacer: Pacer;
  /** No more calls; those in flight go on. */
  readonly #ending = new AbortController();
  /** The calls in flight are given up too. */
  readonly #givingUp = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(options: BusinessOptions) {
    this.#options = options;
    this.#pacer = new Pacer(options.ratePerSecond);
    this.#ended = Promise.all(Array.from({ length: options.callers }, () => this.#runCaller()));
  }

  /** Begins no more calls; resolves when those in flight have ended. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ended;
  }

  /** As stop, but ends the calls in flight; their results are not reported. */
  async giveUp(): Promise<void> {
    this.#givingUp.abort();
    await this.stop();
  }

  async #runCaller(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await pause(this.#pacer.take(this.#options.nowMs()), signal);
      if (!signal.aborted) await this.#callOnce();
    }
  }

  async #callOnce(): Promise<void> {
    const { client, modid, cmdid, timeoutMs, observer, nowMs } = this.#options;
    const beganMs = nowMs();
    let called: string | undefined;
    const ended = (ok: boolean) => observer.ended({ host: called, ok, beganMs, endedMs: nowMs() });
    try {
      const options = { timeoutMs, signal: this.#givingUp.signal };
      await client.call(
        modid,
        cmdid,
        async (host, signal) => {
          called = host.authority;
          observer.began(called, nowMs());
          const response = await fetch(`http://${host}/`, { signal });
          await response.text();
          if (!response.ok) throw new Error(`${host} answered ${response.status}`);
        },
        options,
      );
      ended(true);
    } catch {
      ended(false);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return;
  // Rejects only when the signal ends it, which the caller knows.
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
