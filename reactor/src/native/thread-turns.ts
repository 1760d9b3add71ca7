import { clearImmediate, setImmediate } from 'node:timers';
import type { EngineCore } from '../engine-core.ts';
import type { Libc } from '../linux/libc.ts';
import { Ready } from './readiness-set.ts';
import type { RingWaker } from './ring-waker.ts';

/** One engine's part in the turns of its thread. */
export interface Participant {
  readonly core: EngineCore;
  readonly libc: Libc;
  /** It wants turns. */
  readonly hasWork: boolean;
  /** It has nothing to do before something happens. */
  readonly mayWait: boolean;
  /** Readable when its set has something; while the set is full of results, in any case. */
  readonly setDescriptor: number;
  /** Where the set's own descriptor wakes nobody. @throws {Error} as Node's, with `code` */
  waker(): RingWaker | undefined;
  /**
   * Waits, for no longer than `waitMs`, and does what there is to do.
   * @returns whether the event loop is to have its turn: it has something to do (a message, or the end of something), or all this takes long
   */
  round(waitMs: number): boolean;
}

/** How long rounds follow one another before the event loop has its turn: so late may be what it does not tell of. */
const TURN_MS = 10;
/** How long the first of them waits for something to happen, where none of its own timers is due before. */
const IDLE_MS = 100;
/** struct pollfd: a descriptor, and what is waited for and what there is, 16 bits each. */
const POLL_WORDS = 2;

const nothing = (): void => undefined;
/**
 * Does what was queued by process.nextTick and what promises wait for, as Node does between two immediates. Node has no public name for that (DEP0134);
 * where it has none at all, each round is followed by a turn of the event loop, which costs a system call more.
 */
const settle: (() => void) | undefined = (process as { readonly _tickCallback?: () => void })._tickCallback;

/**
 * The turns of the engines of one thread, each of some rounds, between which promises are settled.
 *
 * - They have their turns together: an immediate of each engine would be something to do for the event loop, for which the others must not wait.
 * - One engine alone waits in its own set. Of several none may: the thread waits for all of their sets, and then each looks into its own.
 * - No wait blocks while somebody else has something to do: the event loop tells whether it needs a turn, and when its next timer is due.
 */
export class ThreadTurns {
  /** Replaced with each change. */
  #members: readonly Participant[] = [];
  #wakers: readonly (RingWaker | undefined)[] = [];
  #polled = new Int32Array();
  #polledAddress = 0;
  /** Who had the last round: of several each begins in its turn. */
  #last = 0;
  #isTurning = false;

  /** @throws {Error} as Node's, with `code`: there is no descriptor left to wait by */
  join(member: Participant): void {
    this.#change([...this.#members, member]);
  }

  leave(member: Participant): void {
    this.#change(this.#members.filter(one => one !== member));
  }

  /** Turns go on, or begin again. */
  wake(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(this.#turn);
  }

  #change(members: readonly Participant[]): void {
    const wakers = members.length > 1 ? members.map(member => member.waker()) : [];
    const fds = [...members.map(({ setDescriptor }) => setDescriptor), ...wakers.map(waker => waker?.fd ?? -1)];
    this.#members = members;
    this.#wakers = wakers;
    if (members.length < 2) return;
    this.#polled = new Int32Array(fds.flatMap(fd => [fd, Ready.readable]));
    this.#polledAddress = members[0]?.libc.addressOf(this.#polled.buffer as ArrayBuffer) ?? 0;
  }

  readonly #turn = (): void => {
    const members = this.#members;
    const [first] = members;
    if (first === undefined) {
      this.#isTurning = false;
      return;
    }
    const { core, libc } = first;
    // While an immediate runs, the event loop believes that another one is due; that this one goes sets it right.
    clearImmediate(setImmediate(nothing));
    core.look();
    const startMs = core.nowMs;
    let quietMs = IDLE_MS;
    for (const { core } of members) quietMs = core.wheel.quietMs(startMs, quietMs);
    let untilMs = startMs + quietMs;
    let loopMs: number;
    let isLoopDue: boolean;
    try {
      do {
        loopMs = libc.loopTimeout();
        if (loopMs >= 0) untilMs = Math.min(untilMs, startMs + loopMs);
        isLoopDue = this.#round(Math.max(0, Math.ceil(untilMs - core.nowMs)));
        untilMs = Math.min(untilMs, startMs + TURN_MS);
      } while (loopMs !== 0 && !isLoopDue && core.nowMs < untilMs && this.#isSettled(members));
    } finally {
      this.#isTurning = this.#hasWork();
      if (this.#isTurning) setImmediate(this.#turn);
    }
  };

  #round(waitMs: number): boolean {
    const members = this.#members;
    if (members.length === 1) return (members[0] as Participant).round(waitMs);
    if (waitMs > 0 && members.every(member => member.mayWait)) this.#wait(members.length, waitMs);
    for (let count = 0; count < members.length; count++) {
      this.#last = (this.#last + 1) % members.length;
      if ((members[this.#last] as Participant).round(0)) return true;
    }
    return false;
  }

  /** The descriptors of all are looked at before they are waited for, so that nothing that has come meanwhile is missed. */
  #wait(count: number, waitMs: number): void {
    (this.#members[0] as Participant).libc.poll(this.#polledAddress, this.#polled.length / POLL_WORDS, waitMs);
    for (const [at, waker] of this.#wakers.entries()) {
      if ((this.#polled[(count + at) * POLL_WORDS + 1] as number) >>> 16 !== 0) waker?.reset();
    }
  }

  /** @returns whether another round may follow in this turn */
  #isSettled(members: readonly Participant[]): boolean {
    if (settle === undefined || !this.#hasWork()) return false;
    settle();
    return this.#members === members;
  }

  #hasWork(): boolean {
    return this.#members.some(member => member.hasWork);
  }
}

/** Those of this thread, of which there is one event loop. */
export const threadTurns = new ThreadTurns();
