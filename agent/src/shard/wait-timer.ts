import { systemClock } from '@lars/runtime/clock';
import type { Shard } from './shard.ts';

/** Wakes the shard when the oldest waiting request has waited long enough; costs nothing while none waits. */
export class WaitTimer {
  readonly #shard: Shard;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  arm(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    const deadlineMs = this.#shard.nextDeadlineMs();
    if (deadlineMs === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#shard.expireWaits(systemClock.monotonicMs());
        this.arm();
      },
      Math.max(0, deadlineMs - systemClock.monotonicMs()),
    );
  }

  /** For good: a request that comes while its thread is ending must not keep it alive. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
