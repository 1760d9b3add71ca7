/** What one run of a thread has counted. A thread that is started again counts on in the memory of the one that died. */
import type { SharedCounters } from '@lars/runtime/counters';
import type { SimulatedProcess } from '../host/process.ts';

export class RunCounters<Name extends string> {
  readonly #shared: SharedCounters<Name>;
  readonly #atStart: Readonly<Record<Name, number>>;
  #atEnd: Readonly<Record<Name, number>> | undefined;

  /** To be made when the thread begins. */
  constructor(thread: SimulatedProcess, shared: SharedCounters<Name>) {
    this.#shared = shared;
    this.#atStart = shared.toObject();
    thread.atEnd(() => {
      this.#atEnd = shared.toObject();
    });
  }

  get(name: Name): number {
    return (this.#atEnd?.[name] ?? this.#shared.get(name)) - this.#atStart[name];
  }
}
