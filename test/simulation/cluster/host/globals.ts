/** What code finds without an import: timers, clocks, random numbers, the process's number. From here on they are the kernel's. */
import { currentProcess, type KernelEvent, kernel } from './kernel.ts';
import type { SimulatedProcess } from './process.ts';

/** Second 0 of the simulated world, unix ms. */
export const EPOCH_MS = 1_790_000_000_000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** Real timers are late by the other work of the process. */
const LATE_MS = 0.8;

class VirtualTimer {
  readonly #process: SimulatedProcess;
  readonly #delayMs: number;
  readonly #work: () => void;
  readonly #repeats: boolean;
  #event: KernelEvent | undefined;
  #hasRef = true;

  constructor(delayMs: number, repeats: boolean, work: () => void) {
    this.#process = currentProcess();
    this.#delayMs = delayMs >= 1 && delayMs <= MAX_TIMEOUT_MS ? Math.floor(delayMs) : 1;
    this.#repeats = repeats;
    this.#work = work;
    this.#arm();
  }

  ref(): this {
    this.#setRef(true);
    return this;
  }

  unref(): this {
    this.#setRef(false);
    return this;
  }

  hasRef(): boolean {
    return this.#hasRef;
  }

  refresh(): this {
    this.close();
    this.#arm();
    return this;
  }

  close(): this {
    if (this.#event !== undefined) {
      kernel.cancel(this.#event);
      this.#disarm();
    }
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #arm(): void {
    if (this.#hasRef) this.#process.referencedTimers += 1;
    this.#event = kernel.schedule(this.#delayMs + kernel.random() * LATE_MS, this.#process, () => {
      this.#disarm();
      if (this.#repeats) this.#arm();
      this.#work();
    });
  }

  #disarm(): void {
    this.#event = undefined;
    if (this.#hasRef) this.#process.referencedTimers -= 1;
  }

  #setRef(hasRef: boolean): void {
    if (hasRef === this.#hasRef) return;
    this.#hasRef = hasRef;
    if (this.#event !== undefined) this.#process.referencedTimers += hasRef ? 1 : -1;
  }
}

type Callback = (...args: unknown[]) => void;

/** Events of a process that ends. */
const ENDS = ['beforeExit', 'exit'];

const virtual = {
  setTimeout: (work: Callback, delayMs = 1, ...args: unknown[]) => new VirtualTimer(delayMs, false, () => work(...args)),
  setInterval: (work: Callback, delayMs = 1, ...args: unknown[]) => new VirtualTimer(delayMs, true, () => work(...args)),
  setImmediate: (work: Callback, ...args: unknown[]) => kernel.schedule(0, currentProcess(), () => work(...args)),
  clearTimeout: (timer: VirtualTimer | undefined) => timer?.close(),
  clearInterval: (timer: VirtualTimer | undefined) => timer?.close(),
  clearImmediate: (event: KernelEvent | undefined) => event !== undefined && kernel.cancel(event),
};

/** The wall clock of the machine whose code runs now. */
export function wallClockMs(): number {
  return Math.floor(EPOCH_MS + kernel.nowMs + (kernel.current?.machine.clockOffsetMs ?? 0));
}

export function installGlobals(): void {
  const realWait = Atomics.wait;
  Object.assign(globalThis, virtual);
  Object.assign(Math, { random: () => kernel.processRandom() });
  Object.assign(Date, { now: wallClockMs });
  Object.defineProperty(performance, 'now', { value: () => kernel.nowMs, configurable: true });
  Object.defineProperty(process, 'pid', { value: 4_711, configurable: true });
  // All simulated processes have one number, and whoever asks whether it runs is one of them.
  Object.assign(process, { kill: () => true });
  // The end of the real process is not that of a simulated one, whose clients are closed before it ends.
  const realOn = process.on.bind(process);
  Object.assign(process, {
    on: (event: string, listener: Callback) =>
      kernel.current !== undefined && ENDS.includes(event) ? process : realOn(event as 'exit', listener),
  });
  // Who waits here blocks its thread; no time passes for the others, so whatever is waited for does not come.
  Object.assign(Atomics, {
    wait: (...args: Parameters<typeof Atomics.wait>) => (args[3] === undefined ? realWait(...args) : 'timed-out'),
  });
}
