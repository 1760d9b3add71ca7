import type { Machine } from './machine.ts';

/** How a process ended. A power cut takes what its machine has not flushed, and no other machine is told. */
export type ProcessEnd = 'stopped' | 'killed' | 'power cut';

/** A process or one of its threads: whoever code runs for. What it owns in the kernel goes when it ends. */
export class SimulatedProcess {
  readonly name: string;
  readonly machine: Machine;
  readonly parent: SimulatedProcess | undefined;
  /** Nothing happens to it before then: it hangs, or its machine does. */
  stalledUntilMs = 0;
  /** Timers that would keep it alive. */
  referencedTimers = 0;
  /** Everything that is scheduled for it. */
  scheduled = 0;
  /** Open TCP sockets. */
  sockets = 0;
  #end: ProcessEnd | undefined;
  readonly #atEnd = new Set<(end: ProcessEnd) => void>();

  constructor(name: string, machine: Machine, parent?: SimulatedProcess) {
    this.name = name;
    this.machine = machine;
    this.parent = parent;
    parent?.atEnd(end => this.end(end));
  }

  get isAlive(): boolean {
    return this.#end === undefined;
  }

  get endedHow(): ProcessEnd | undefined {
    return this.#end;
  }

  /** The process of which this is a thread, or itself. */
  get main(): SimulatedProcess {
    return this.parent?.main ?? this;
  }

  /** When it goes on, if it hangs or the process of which it is a thread does. */
  get goesOnAtMs(): number {
    return Math.max(this.stalledUntilMs, this.parent?.goesOnAtMs ?? 0);
  }

  /** What the kernel does when it ends. @returns takes it back */
  atEnd(work: (end: ProcessEnd) => void): () => void {
    this.#atEnd.add(work);
    return () => this.#atEnd.delete(work);
  }

  end(how: ProcessEnd): void {
    if (this.#end !== undefined) return;
    this.#end = how;
    for (const work of this.#atEnd) work(how);
    this.#atEnd.clear();
  }
}
