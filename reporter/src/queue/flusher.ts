import type { Backoff } from '@lars/runtime/backoff';
import type { Clock } from '@lars/runtime/clock';
import type { OperationHealth } from '../store/operation-health.ts';
import type { StatusBatch, StatusStore } from '../store/status-store.ts';
import type { WriteQueue } from './write-queue.ts';

export interface FlusherDeps {
  readonly queue: WriteQueue;
  readonly store: Pick<StatusStore, 'write'>;
  readonly flushIntervalMs: number;
  readonly backoff: Backoff;
  readonly health: OperationHealth;
  readonly clock: Clock;
  /** Called when a batch is stored and taken out of the queue. */
  readonly onStored: (batch: StatusBatch) => void;
}

/** The one writer: takes batch after batch from the queue to the store, one at a time, and repeats a batch until it is stored. */
export class Flusher {
  readonly #deps: FlusherDeps;
  #state: FlusherState = { kind: 'idle' };

  constructor(deps: FlusherDeps) {
    this.#deps = deps;
  }

  /** Must be called whenever the queue has grown. */
  onQueued(): void {
    const { queue, flushIntervalMs } = this.#deps;
    if (this.#state.kind === 'idle') this.#enter(queue.due ? this.#soon() : this.#later(flushIntervalMs));
    else if (this.#state.kind === 'collecting' && queue.due) this.#enter(this.#soon());
  }

  /** Writes what is queued, for at most `deadlineMs` and the batch that is under way then, and stops. */
  async stop(deadlineMs: number): Promise<void> {
    const writing = this.#state.kind === 'writing' ? this.#state.done : undefined;
    this.#enter({ kind: 'stopped' });
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), deadlineMs);
    const timeUp = new Promise(resolve => deadline.signal.addEventListener('abort', resolve));
    await Promise.race([timeUp, this.#writeOut(writing, deadline.signal)]);
    clearTimeout(timer);
  }

  async #writeOut(writing: Promise<boolean> | undefined, deadline: AbortSignal): Promise<void> {
    await writing;
    while (this.#deps.queue.reports > 0 && !deadline.aborted) {
      if (!(await this.#write())) await pause(LAST_RETRY_MS);
    }
  }

  #flush(): void {
    const done = this.#write();
    this.#enter({ kind: 'writing', done });
    void done.then(stored => this.#afterWrite(stored));
  }

  #afterWrite(stored: boolean): void {
    if (this.#state.kind === 'stopped') return;
    const { queue, backoff, flushIntervalMs } = this.#deps;
    if (!stored && queue.reports > 0) this.#enter(this.#later(backoff.nextDelayMs(), 'backing off'));
    else if (queue.due) this.#enter(this.#soon());
    else this.#enter(queue.reports > 0 ? this.#later(flushIntervalMs) : { kind: 'idle' });
  }

  /** One batch. Returns false when there was none, or it could not be stored. */
  async #write(): Promise<boolean> {
    const { queue, store, backoff, health, clock, onStored } = this.#deps;
    const batch = queue.head();
    if (batch === undefined) return false;
    try {
      await store.write(batch, Math.floor(clock.unixMs() / 1_000));
    } catch (error) {
      health.failed(error);
      return false;
    }
    queue.drop();
    backoff.reset();
    health.succeeded();
    onStored(batch);
    return true;
  }

  /** Flushes after the input that is there already, so that reading and writing alternate. */
  #soon(): FlusherState {
    const immediate = setImmediate(() => this.#flush());
    return { kind: 'due', cancel: () => clearImmediate(immediate) };
  }

  #later(delayMs: number, kind: 'collecting' | 'backing off' = 'collecting'): FlusherState {
    const timer = setTimeout(() => this.#flush(), delayMs);
    return { kind, cancel: () => clearTimeout(timer) };
  }

  #enter(state: FlusherState): void {
    if ('cancel' in this.#state) this.#state.cancel();
    this.#state = state;
  }
}

/** The pause between attempts while stopping: another process that has locked the database may be done in a moment. */
const LAST_RETRY_MS = 20;

function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms);
  });
}

type FlusherState =
  | { readonly kind: 'idle' }
  /** A few rows wait for others to be written with. */
  | { readonly kind: 'collecting'; readonly cancel: () => void }
  /** As many rows wait as a batch may have. */
  | { readonly kind: 'due'; readonly cancel: () => void }
  /** The last attempt failed. */
  | { readonly kind: 'backing off'; readonly cancel: () => void }
  | { readonly kind: 'writing'; readonly done: Promise<boolean> }
  | { readonly kind: 'stopped' };
