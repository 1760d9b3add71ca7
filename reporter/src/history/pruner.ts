import type { Clock } from '@lars/runtime/clock';
import type { Outage } from '../store/outage.ts';
import type { StatusStore } from '../store/status-store.ts';

export interface PrunerOptions {
  readonly store: Pick<StatusStore, 'prune'>;
  readonly retentionSec: number;
  readonly outage: Outage;
  readonly clock: Clock;
  readonly onPruned: (rows: number) => void;
}

/** A slice takes a few milliseconds; the pause behind it belongs to reports. */
const SLICE_ROWS = 1_000;
const SLICE_PAUSE_MS = 50;
const ROUND_MS = 60_000;
/** Most likely another process is writing. */
const RETRY_MS = 5_000;
/** An agent's name ends with its run; nobody sends a report again after so long. */
const AGENT_RETENTION_SEC = 7 * 86_400;

/** Keeps the history within its retention: at the start and once a minute it removes what is older, slice by slice. */
export class Pruner {
  readonly #options: PrunerOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: PrunerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#after(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #after(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(async () => this.#after(await this.#pruneSlice()), delayMs);
  }

  /** Returns the time until the next slice. */
  async #pruneSlice(): Promise<number> {
    const { store, retentionSec, outage, clock, onPruned } = this.#options;
    const nowSec = Math.floor(clock.unixMs() / 1_000);
    try {
      const rows = await store.prune({
        historyBeforeSec: nowSec - retentionSec,
        agentsBeforeSec: nowSec - AGENT_RETENTION_SEC,
        maxRows: SLICE_ROWS,
      });
      outage.worked();
      onPruned(rows);
      return rows > 0 ? SLICE_PAUSE_MS : ROUND_MS;
    } catch (error) {
      outage.failed(error);
      return RETRY_MS;
    }
  }
}
