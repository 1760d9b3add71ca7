import { setImmediate as nextTick } from 'node:timers/promises';

/** Requests that come meanwhile wait for so long at most, and for the one step that is under way. */
const SLICE_MS = 10;

/** Cuts long work into slices of time, between which the event loop handles other events. */
export class SlicePacer {
  #beganMs = 0;

  /** To be called after every few steps. @returns undefined while the slice has time left; else what is to be awaited */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#beganMs < SLICE_MS ? undefined : this.#nextSlice();
  }

  async #nextSlice(): Promise<void> {
    await nextTick();
    this.#beganMs = performance.now();
  }
}
