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

export class WheelTimer {
  previous: WheelTimer = this;
  next: WheelTimer = this;
  tick = 0;
  readonly fire: () => void;

  constructor(fire: () => void) {
    this.fire = fire;
  }

  get isSet(): boolean {
    return this.next !== this;
  }
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
  set(timer: WheelTimer, atMs: number): void {
    this.cancel(timer);
    timer.tick = Math.max(this.#tick + 1, Math.ceil((atMs - this.#startMs) / TICK_MS));
    this.#size += 1;
    this.#insert(timer);
  }

  cancel(timer: WheelTimer): void {
    if (!timer.isSet) return;
    unlink(timer);
    this.#size -= 1;
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
      this.#fireAll(this.#fine[this.#tick & MASK] as WheelTimer);
    }
  }

  #cascade(): void {
    const list = this.#coarse[(this.#tick / PLACES) & MASK] as WheelTimer;
    const first = new WheelTimer(list.fire);
    moveAll(list, first);
    while (first.isSet) {
      const timer = first.next;
      unlink(timer);
      this.#insert(timer);
    }
  }

  #fireAll(list: WheelTimer): void {
    const due = new WheelTimer(list.fire);
    moveAll(list, due);
    while (due.isSet) {
      const timer = due.next;
      this.cancel(timer);
      timer.fire();
    }
  }

  #insert(timer: WheelTimer): void {
    const distance = timer.tick - this.#tick;
    if (distance < PLACES) append(this.#fine[timer.tick & MASK] as WheelTimer, timer);
    else append(this.#coarse[(Math.min(timer.tick, this.#tick + FAR_TICKS) / PLACES) & MASK] as WheelTimer, timer);
  }
}

function newRing(): WheelTimer[] {
  const never = () => undefined;
  return Array.from({ length: PLACES }, () => new WheelTimer(never));
}

function append(list: WheelTimer, timer: WheelTimer): void {
  timer.previous = list.previous;
  timer.next = list;
  list.previous.next = timer;
  list.previous = timer;
}

function unlink(timer: WheelTimer): void {
  timer.previous.next = timer.next;
  timer.next.previous = timer.previous;
  timer.previous = timer;
  timer.next = timer;
}

function moveAll(from: WheelTimer, to: WheelTimer): void {
  if (!from.isSet) return;
  to.next = from.next;
  to.previous = from.previous;
  to.next.previous = to;
  to.previous.next = to;
  from.next = from;
  from.previous = from;
}
