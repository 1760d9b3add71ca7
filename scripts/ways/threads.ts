import type { Profiler } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { CHANNEL, type FromThread, type ToThreads } from './messages.ts';

/** A thread that is busy for longer than this after the others have answered is missed, and the measurement fails. */
const ANSWER_MS = 10_000;
const POLL_MS = 5;

/** What ran, thread by thread. */
export interface Taken {
  readonly isMainThread: boolean;
  readonly scripts: readonly Profiler.ScriptCoverage[];
}

/** The hooks of all threads of this process, seen from the measuring thread. */
export class Threads {
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #count: number;
  #round = 0;
  #taken: Taken[] = [];

  /** @param count how many threads there are, this one included */
  constructor(count: number) {
    this.#count = count;
    this.#channel.unref();
    this.#channel.onmessage = (event: unknown) => {
      const message = (event as { readonly data: ToThreads | FromThread }).data;
      if (message.type === 'taken' && message.round === this.#round) this.#taken.push(message);
    };
  }

  /** Takes from all threads what ran since the last take. */
  async take(): Promise<readonly Taken[]> {
    this.#round += 1;
    this.#taken = [];
    const message: ToThreads = { type: 'take', round: this.#round };
    this.#channel.postMessage(message);
    for (let waitedMs = 0; this.#taken.length < this.#count; waitedMs += POLL_MS) {
      if (waitedMs > ANSWER_MS) throw new Error(`${this.#taken.length} of ${this.#count} threads say what ran`);
      await sleep(POLL_MS);
    }
    return this.#taken;
  }

  close(): void {
    this.#channel.close();
  }
}
