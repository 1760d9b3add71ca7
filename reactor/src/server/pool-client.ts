import type { MessagePort, Transferable } from 'node:worker_threads';
import { asError } from '../engine-core.ts';
import type { FromPool, PoolWay, ToPool, UnderWay } from './messages.ts';

/** FULL: too many tasks wait. LOST: the thread that ran it has died. NONE: the server has no pool, or none of its threads is there. FAILED: the task threw. */
export type PoolErrorCode = 'FULL' | 'LOST' | 'NONE' | 'FAILED';

export class PoolError extends Error {
  override readonly name = 'PoolError';
  readonly code: PoolErrorCode;

  constructor(code: PoolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: PoolError): void;
}

interface Lane {
  readonly underWay: UnderWay;
  readonly waiting: Map<number, Waiting>;
}

/** One reactor thread's way to the threads of the pool: each task goes to the one that has the fewest, of all reactor threads together. */
export class PoolClient {
  readonly #maxWaiting: number;
  readonly #lanes = new Map<MessagePort, Lane>();
  #lastId = 0;

  /** @param maxWaiting tasks that this thread may have under way */
  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** A thread of the pool has come. */
  add({ port, underWay }: PoolWay): void {
    const waiting = new Map<number, Waiting>();
    this.#lanes.set(port, { underWay, waiting });
    port.on('message', (answer: FromPool) => {
      const one = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('error' in answer) one?.reject(new PoolError('FAILED', answer.error));
      else one?.resolve(answer.value);
    });
    port.on('close', () => {
      this.#lanes.delete(port);
      for (const one of waiting.values()) one.reject(new PoolError('LOST', 'the thread of the pool that ran the task has died'));
    });
  }

  run(task: string, input: unknown, transfer: readonly Transferable[] = []): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const best = this.#leastBusy();
    const under = [...this.#lanes.values()].reduce((sum, { waiting }) => sum + waiting.size, 0);
    if (best === undefined) reject(new PoolError('NONE', 'no thread of a pool is there'));
    else if (under >= this.#maxWaiting) reject(new PoolError('FULL', `${under} tasks are under way`));
    else {
      const [port, { underWay, waiting }] = best;
      this.#lastId += 1;
      const message: ToPool = { id: this.#lastId, task, input };
      try {
        port.postMessage(message, [...transfer]);
        Atomics.add(underWay, 0, 1);
        waiting.set(this.#lastId, { resolve, reject });
      } catch (error) {
        reject(new PoolError('FAILED', `the input cannot be passed to a thread: ${asError(error).message}`));
      }
    }
    return promise;
  }

  #leastBusy(): [MessagePort, Lane] | undefined {
    let best: [MessagePort, Lane] | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const entry of this.#lanes) {
      const count = Atomics.load(entry[1].underWay, 0);
      if (count >= fewest) continue;
      fewest = count;
      best = entry;
    }
    return best;
  }

  close(): void {
    for (const port of this.#lanes.keys()) port.close();
  }
}
