import type { EngineCore } from '../engine-core.ts';
import type { Libc } from '../linux/libc.ts';
import type { DescriptorWatcher } from '../passing.ts';
import { type ReadinessSet, Ready, type Receiver } from './readiness-set.ts';
import type { RingWaker } from './ring-waker.ts';
import { type Participant, threadTurns } from './thread-turns.ts';

/** Who is told what epoll says of a descriptor. @param ready a sum of Ready */
export interface Source {
  onReady(ready: number): void;
}

/** What is done outside of the user's calls, in this turn or the next. */
export interface Task {
  isScheduled: boolean;
  run(): void;
}

/** How long sources are told before tasks have their turn, and how long tasks may run then: where they take longer the event loop has its turn before the others go on. */
const TELL_MS = 3;
const TASKS_MS = 2;
/** Either of them where the event loop has something to do. */
const DUE_MS = 1;
/** So many are told, or run, between two looks at the clock: one that reads in bulk takes up to a millisecond. */
const IN_A_ROW = 2;

/**
 * What one engine does in the turns of its thread, in rounds: wait, tell the sources, run the tasks, fire the timers, tell of what ended and close descriptors.
 *
 * - The thread waits here instead of in its event loop, whose descriptor is in the set too, so that messages end the wait.
 * - A round of sources that take long is cut, and the event loop has its turn before the next goes on with the rest.
 * - A descriptor is closed at the end of a round, never in its middle, and may be closed at any time by an owner to whom it was given away. What is opened meanwhile may have
 *   its number, and would get what epoll said of it, so each has a generation.
 * - Turns follow one another while there is a source, a task or a timer; an engine without any lets the process end.
 */
export class Hub implements Participant {
  readonly core: EngineCore;
  readonly libc: Libc;
  readonly #set: ReadinessSet;
  readonly #loop: number;
  readonly #sources: (Source | undefined)[] = [];
  readonly #generations: number[] = [];
  #generation = 0;
  /** Events of the last wait, and how many of them were told. */
  #events = 0;
  #told = 0;
  #sourceCount = 0;
  #tasks: Task[] = [];
  #endings: (() => void)[] = [];
  #closing: number[] = [];
  #isClosed = false;
  #waker: RingWaker | undefined;
  readonly #openWaker: (() => RingWaker) | undefined;
  #watcher: DescriptorWatcher | undefined;
  /** Who is told of a descriptor that somebody else has put into the set, with a generation below -1. */
  #onPassed: ((fd: number, generation: number, ready: number) => void) | undefined;
  /** Not all was done in the last round, because it takes long. */
  #isCut = false;

  /**
   * @param openWaker where the set's own descriptor wakes nobody
   * @throws {Error} as Node's, with `code`; the set is closed then
   */
  constructor(core: EngineCore, libc: Libc, set: ReadinessSet, openWaker?: () => RingWaker) {
    this.core = core;
    this.libc = libc;
    this.#set = set;
    this.#openWaker = openWaker;
    this.#loop = libc.loopDescriptor();
    try {
      set.add(this.#loop, Ready.readable, 0);
      threadTurns.join(this);
    } catch (error) {
      this.#closeSet();
      throw error;
    }
  }

  get hasWork(): boolean {
    return (
      this.#sourceCount > 0 ||
      this.#onPassed !== undefined ||
      this.#tasks.length > 0 ||
      this.core.wheel.size > 0 ||
      this.#endings.length > 0 ||
      this.#set.isUnfinished
    );
  }

  get mayWait(): boolean {
    return this.#isIdle && this.#told === this.#events && !this.#set.isUnfinished;
  }

  get setDescriptor(): number {
    return this.#set.descriptor;
  }

  waker(): RingWaker | undefined {
    if (this.#waker !== undefined || this.#openWaker === undefined) return this.#waker;
    this.#waker = this.#openWaker();
    this.#watcher?.onOwned(this.#waker.fd);
    return this.#waker;
  }

  /** Told from now on of the descriptors that the engine waits by, and of each descriptor right before it is closed. */
  watchDescriptors(watcher: DescriptorWatcher): void {
    this.#watcher = watcher;
    this.#set.onClosing = fd => watcher.onGone(fd);
    watcher.onOwned(this.#set.descriptor);
    if (this.#waker !== undefined) watcher.onOwned(this.#waker.fd);
  }

  /** @param passed the generation with which somebody else has put it into the set. @throws {Error} as Node's, with `code` */
  add(fd: number, source: Source, events: number, passed?: number): void {
    if (passed === undefined) {
      this.#generation = (this.#generation + 1) & 0x7fff_ffff;
      this.#set.add(fd, events, this.#generation);
    }
    this.#sources[fd] = source;
    this.#generations[fd] = passed ?? this.#generation;
    this.#sourceCount += 1;
    this.wake();
  }

  /** Has turns from now on, for descriptors that others put into the set. */
  receive(onPassed: (fd: number, generation: number, ready: number) => void): void {
    this.#onPassed = onPassed;
    this.wake();
  }

  /** Where the set receives by itself. */
  get receiver(): Receiver | undefined {
    return this.#set.receiver;
  }

  change(fd: number, events: number): void {
    this.#set.change(fd, events, this.#generations[fd] as number);
    this.wake();
  }

  /** The descriptor stays open. */
  remove(fd: number): void {
    this.#set.remove(fd);
    this.#forget(fd);
  }

  /** Closes the descriptor at the end of this turn, or of the next. It says nothing any more. */
  closeLater(fd: number): void {
    this.#forget(fd);
    this.#closing.push(fd);
    this.wake();
  }

  /** For one that was removed and of which nothing is told any more: what others do at this moment depends on when it closes. To be called when an end is told. */
  closeNow(fd: number): void {
    this.#set.onClosing?.(fd);
    this.libc.close(fd);
  }

  schedule(task: Task): void {
    if (task.isScheduled) return;
    task.isScheduled = true;
    this.#tasks.push(task);
    this.wake();
  }

  /** Calls back at the end of this turn, or of the next, before the descriptors close. */
  tellLater(ending: () => void): void {
    this.#endings.push(ending);
    this.wake();
  }

  /** Turns go on, or begin again; to be called when a timer was set. */
  wake(): void {
    if (!this.#isClosed) threadTurns.wake();
  }

  /** Tells what is still to be told, and closes everything. */
  close(): void {
    while (this.#endings.length + this.#closing.length > 0) this.#end();
    this.#isClosed = true;
    threadTurns.leave(this);
    this.#closeSet();
  }

  round(waitMs: number): boolean {
    if (this.#isClosed) return false;
    if (this.#told === this.#events) {
      this.#told = 0;
      this.#events = this.#set.wait(this.#isIdle ? waitMs : 0);
    }
    const isLoopReady = this.#hasLoop();
    this.core.look();
    this.#tellSources(isLoopReady ? DUE_MS : TELL_MS);
    if (this.#tasks.length > 0) this.#runTasks(isLoopReady ? DUE_MS : TASKS_MS);
    this.core.advance();
    this.#end();
    return isLoopReady || this.#isCut;
  }

  get #isIdle(): boolean {
    return this.#tasks.length === 0 && this.#endings.length === 0;
  }

  /** Whether the event loop has something to do: a message, or the end of something. */
  #hasLoop(): boolean {
    for (let event = this.#told; event < this.#events; event++) if (this.#set.fdOf(event) === this.#loop) return true;
    return false;
  }

  #tellSources(ms: number): void {
    const untilMs = this.core.nowMs + ms;
    this.#isCut = false;
    while (this.#told < this.#events && !this.#isCut) {
      this.#told += 1;
      this.#dispatch(this.#told - 1);
      this.#isCut = this.#told % IN_A_ROW === 0 && this.#told < this.#events && this.core.readClock() > untilMs;
    }
  }

  #dispatch(event: number): void {
    const fd = this.#set.fdOf(event);
    const generation = this.#set.generationOf(event);
    if (this.#generations[fd] === generation) this.#sources[fd]?.onReady(this.#set.readinessOf(event));
    else if (generation < -1) this.#onPassed?.(fd, generation, this.#set.readinessOf(event));
  }

  #runTasks(ms: number): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    const untilMs = this.core.readClock() + ms;
    let done = 0;
    for (; done < tasks.length; done++) {
      if (done > 0 && done % IN_A_ROW === 0 && this.core.readClock() > untilMs) break;
      const task = tasks[done] as Task;
      task.isScheduled = false;
      task.run();
    }
    if (done === tasks.length) return;
    this.#tasks = [...tasks.slice(done), ...this.#tasks];
    this.#isCut = true;
  }

  #end(): void {
    if (this.#endings.length > 0) {
      const endings = this.#endings;
      this.#endings = [];
      for (const ending of endings) ending();
    }
    if (this.#closing.length === 0) return;
    for (const fd of this.#closing) this.#set.closeDescriptor(fd);
    this.#closing = [];
  }

  #closeSet(): void {
    this.#watcher?.onGone(this.#set.descriptor);
    this.#set.close();
    if (this.#waker === undefined) return;
    this.#watcher?.onGone(this.#waker.fd);
    this.#waker.close();
  }

  #forget(fd: number): void {
    if (this.#sources[fd] === undefined) return;
    this.#sources[fd] = undefined;
    this.#generations[fd] = -1;
    this.#sourceCount -= 1;
  }
}
