// pure
/** A trouble is taken to last for so long after its last sign. */
const HOLD_MIN_MS = 5_000;
const HOLD_MAX_MS = 60_000;
/** One that comes back sooner than this was only hidden by what the balancer did about it. */
const CALM_MS = 60_000;

/**
 * AD-21. How long the balancer wants to see every call after a sign of trouble. A trouble that comes back as soon as nobody attends to it,
 * such as a host with half the capacity, is attended to for twice as long each time.
 */
export class Attention {
  #untilMs = Number.NEGATIVE_INFINITY;
  #holdMs = HOLD_MIN_MS;

  isHeld(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** There was a sign of trouble. */
  hold(nowMs: number): void {
    const calmMs = nowMs - this.#untilMs;
    if (calmMs >= CALM_MS) this.#holdMs = HOLD_MIN_MS;
    else if (calmMs >= 0) this.#holdMs = Math.min(HOLD_MAX_MS, 2 * this.#holdMs);
    this.#untilMs = nowMs + this.#holdMs;
  }
}
