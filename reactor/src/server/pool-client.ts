import type { MessagePort, Transferable } from 'node:worker_threads';
import { asError } from '../engine-core.ts';
import type { FromPool, ToPool } from './messages.ts';

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

/** One reactor thread's way to the threads of the pool: each task goes to the one that has the fewest of this thread's. */
export class PoolClient {
  readonly #maxWaiting: number;
  readonly #lanes = new Map<MessagePort, Map<number, Waiting>>();
  #lastId = 0;

  /** @param maxWaiting tasks that this thread may have under way */
  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /** A thread of the pool has come. */
  add(port: MessagePort): void {
    const waiting = new Map<number, Waiting>();
    this.#lanes.set(port, waiting);
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
    const [best] = [...this.#lanes].sort(([, a], [, b]) => a.size - b.size);
    const under = [...this.#lanes.values()].reduce((sum, waiting) => sum + waiting.size, 0);
    if (best === undefined) reject(new PoolError('NONE', 'no thread of a pool is there'));
    else if (under >= this.#maxWaiting) reject(new PoolError('FULL', `${under} tasks are under way`));
    else {
      const [port, waiting] = best;
      this.#lastId += 1;
      const message: ToPool = { id: this.#lastId, task, input };
      try {
        port.postMessage(message, [...transfer]);
        waiting.set(this.#lastId, { resolve, reject });
      } catch (error) {
        reject(new PoolError('FAILED', `the input cannot be passed to a thread: ${asError(error).message}`));
      }
    }
    return promise;
  }

  close(): void {
    for (const port of this.#lanes.keys()) port.close();
  }
}
