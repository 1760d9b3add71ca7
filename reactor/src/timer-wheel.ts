// pure
/**
 * Timers for which setting and cancelling cost a few assignments, however many there are: two rings of lists, one of 10 ms and one of 2.56 s a place. A timer far away
 * waits in the coarse ring and moves to the fine one when its time comes near. Nothing here knows the time by itself.
 */
export const TICK_MS = 10;
const PLACES = 256;
const MASK = PLACES - 1;
/** The farthest place of the coarse ring; a timer beyond it comes by there several times. */
const FAR_TICKS = PLACES * (PLACES - 1);

/** A timer's place in the lists. What there are many of extends it, so that a timer is one object. */
export abstract class WheelEntry {
  previous: WheelEntry = this;
  next: WheelEntry = this;
  tick = 0;

  get isSet(): boolean {
    return this.next !== this;
  }

  abstract fire(): void;
}

/** Calls a function. */
export class WheelTimer extends WheelEntry {
  readonly #callback: () => void;

  constructor(callback: () => void) {
    super();
    this.#callback = callback;
  }

  override fire(): void {
    this.#callback();
  }
}

class ListHead extends WheelEntry {
  override fire(): void {}
}

export class TimerWheel {
  readonly #fine = newRing();
  readonly #coarse = newRing();
  readonly #startMs: number;
  #tick = 0;
  #size = 0;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }

  /** How many timers are set. */
  get size(): number {
    return this.#size;
  }

  /** Sets a timer, or sets it anew. It fires at the first `advance` with a time of at least `atMs`. */
  set(timer: WheelEntry, atMs: number): void {
    this.cancel(timer);
    timer.tick = Math.max(this.#tick + 1, Math.ceil((atMs - this.#startMs) / TICK_MS));
    this.#size += 1;
    this.#insert(timer);
  }

  cancel(timer: WheelEntry): void {
    if (!timer.isSet) return;
    unlink(timer);
    this.#size -= 1;
  }

  /** How long nothing is due, ms, at most `maxMs`, which is to be small: each tick until then is looked at. */
  quietMs(nowMs: number, maxMs: number): number {
    if (this.#size === 0) return maxMs;
    let tick = this.#tick + 1;
    const last = Math.floor((nowMs + maxMs - this.#startMs) / TICK_MS);
    // What the coarse ring has comes to the fine one where that begins anew.
    while (tick <= last && (tick & MASK) !== 0 && !(this.#fine[tick & MASK] as WheelEntry).isSet) tick += 1;
    return Math.min(maxMs, Math.max(0, this.#startMs + tick * TICK_MS - nowMs));
  }

  /** Fires what is due. A timer that is set while others fire waits for the next call, at least. */
  advance(nowMs: number): void {
    const target = Math.floor((nowMs - this.#startMs) / TICK_MS);
    while (this.#tick < target) {
      if (this.#size === 0) {
        this.#tick = target;
        return;
      }
      this.#tick += 1;
      if ((this.#tick & MASK) === 0) this.#cascade();
      this.#fireAll(this.#fine[this.#tick & MASK] as WheelEntry);
    }
  }

  #cascade(): void {
    const list = this.#coarse[(this.#tick / PLACES) & MASK] as WheelEntry;
    const first = new ListHead();
    moveAll(list, first);
    while (first.isSet) {
      const timer = first.next;
      unlink(timer);
      this.#insert(timer);
    }
  }

  #fireAll(list: WheelEntry): void {
    const due = new ListHead();
    moveAll(list, due);
    while (due.isSet) {
      const timer = due.next;
      this.cancel(timer);
      timer.fire();
    }
  }

  #insert(timer: WheelEntry): void {
    const distance = timer.tick - this.#tick;
    if (distance < PLACES) append(this.#fine[timer.tick & MASK] as WheelEntry, timer);
    else append(this.#coarse[(Math.min(timer.tick, this.#tick + FAR_TICKS) / PLACES) & MASK] as WheelEntry, timer);
  }
}

function newRing(): WheelEntry[] {
  return Array.from({ length: PLACES }, () => new ListHead());
}

function append(list: WheelEntry, timer: WheelEntry): void {
  timer.previous = list.previous;
  timer.next = list;
  list.previous.next = timer;
  list.previous = timer;
}

function unlink(timer: WheelEntry): void {
  timer.previous.next = timer.next;
  timer.next.previous = timer.previous;
  timer.previous = timer;
  timer.next = timer;
}

function moveAll(from: WheelEntry, to: WheelEntry): void {
  if (!from.isSet) return;
  to.next = from.next;
  to.previous = from.previous;
  to.next.previous = to;
  to.previous.next = to;
  from.next = from;
  from.previous = from;
}
