/**
 * The one kernel under all simulated processes: virtual time, and what happens in it. Everything that a real process waits for (a timer, a
 * datagram, a disk) is an event here; between two events all promises that can go on have gone on, so that a process may be killed at any await.
 */
import { seededRandom } from '../../../support/seeded-random.ts';
import { EventQueue, type QueuedEvent } from './event-queue.ts';
import type { SimulatedProcess } from './process.ts';

const realImmediate = setImmediate;

export interface KernelEvent extends QueuedEvent {
  readonly process: SimulatedProcess | undefined;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Thrown away with the seed: what is wrong, in one line. */
export type OnViolation = (what: string) => void;

const MAX_EVENTS = 3_000_000;

class Kernel {
  nowMs = 0;
  /** Whose code runs now. */
  current: SimulatedProcess | undefined;
  /** The chance of the environment: delays, losses. */
  random: () => number = Math.random;
  /** The chance that processes ask for. */
  processRandom: () => number = Math.random;
  traced: ((line: string) => void) | undefined;
  #queue = new EventQueue<KernelEvent>();
  #order = 0;
  #violation: string | undefined;

  /** Begins anew, at second 0 of a seed. */
  reset(seed: number): void {
    this.nowMs = 0;
    this.current = undefined;
    this.random = seededRandom(seed * 7 + 1);
    this.processRandom = seededRandom(seed * 7 + 2);
    this.#queue = new EventQueue();
    this.#order = 0;
    this.#violation = undefined;
  }

  get violation(): string | undefined {
    return this.#violation;
  }

  /** The first thing that is wrong ends the seed. */
  violate(what: string): void {
    this.trace(`VIOLATION ${what}`);
    this.#violation ??= `at ${(this.nowMs / 1_000).toFixed(3)} s: ${what}`;
  }

  trace(line: string): void {
    this.traced?.(`${(this.nowMs / 1_000).toFixed(4).padStart(9)} ${line}`);
  }

  /** Uniform in [min, max). */
  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random() < probability;
  }

  /** Something will happen to a process (or, without one, in the world), unless it has ended by then. */
  schedule(delayMs: number, process: SimulatedProcess | undefined, run: () => void): KernelEvent {
    this.#order += 1;
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order, process, run, isCancelled: false };
    if (process !== undefined) process.scheduled += 1;
    this.#queue.push(event);
    return event;
  }

  cancel(event: KernelEvent): void {
    if (event.isCancelled) return;
    event.isCancelled = true;
    if (event.process !== undefined) event.process.scheduled -= 1;
  }

  /** Resolves after a time of the world. */
  pause(delayMs: number): Promise<void> {
    return new Promise(resolve => this.schedule(delayMs, undefined, resolve));
  }

  /** Runs code as the process. */
  runAs<T>(process: SimulatedProcess | undefined, work: () => T): T {
    const before = this.current;
    this.current = process;
    try {
      return work();
    } finally {
      this.current = before;
    }
  }

  /** Lets time pass until then, or until something is wrong, or until `isDone`. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    let events = 0;
    while (this.#violation === undefined && !isDone()) {
      const event = this.#queue.peek();
      if (event === undefined || event.atMs > untilMs) break;
      this.#queue.pop();
      if (!this.#isDue(event)) continue;
      events += 1;
      if (events > MAX_EVENTS) this.violate(`more than ${MAX_EVENTS} events: something spins`);
      await this.#handle(event);
    }
    if (this.#violation === undefined && !isDone()) this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** An event of a process that hangs happens when it goes on. */
  #isDue(event: KernelEvent): boolean {
    const { process } = event;
    if (event.isCancelled || process?.isAlive === false) return false;
    if (process === undefined || process.goesOnAtMs <= event.atMs) return true;
    event.atMs = process.goesOnAtMs;
    this.#queue.push(event);
    return false;
  }

  async #handle(event: KernelEvent): Promise<void> {
    const { process } = event;
    event.isCancelled = true;
    if (process !== undefined) process.scheduled -= 1;
    this.nowMs = event.atMs;
    this.current = process;
    try {
      event.run();
    } catch (error) {
      this.onUncaught(error);
    }
    await new Promise<void>(resolve => realImmediate(resolve));
    this.current = undefined;
  }

  /** A process of the product must not die of an error. */
  onUncaught(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.violate(`${this.current?.name ?? 'the world'} has an uncaught error: ${text}`);
  }
}

export const kernel = new Kernel();

/** The process that runs now; code of the product never runs outside one. */
export function currentProcess(): SimulatedProcess {
  if (kernel.current === undefined) throw new Error('code of the product runs outside a simulated process');
  return kernel.current;
}
