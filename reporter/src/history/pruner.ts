import type { Clock } from '@lars/runtime/clock';
import type { OperationHealth } from '../store/operation-health.ts';
import type { StatusStore } from '../store/status-store.ts';

export interface PrunerDeps {
  readonly store: Pick<StatusStore, 'prune'>;
  readonly retentionSec: number;
  readonly health: OperationHealth;
  readonly clock: Clock;
  readonly onPruned: (rows: number) => void;
}

/** A slice takes a few milliseconds; in the pause after it reports are handled. */
const SLICE_ROWS = 1_000;
const SLICE_PAUSE_MS = 50;
const ROUND_MS = 60_000;
/** The delay after a failure, which most likely means that another process is writing. */
const RETRY_MS = 5_000;
/** An agent has a new name in each run, and no agent repeats a report after this time. */
const AGENT_RETENTION_SEC = 7 * 86_400;

/** Keeps the history within its retention: at the start and once a minute it removes what is older, slice by slice. */
export class Pruner {
  readonly #deps: PrunerDeps;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: PrunerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#scheduleSlice(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #scheduleSlice(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(async () => this.#scheduleSlice(await this.#pruneSlice()), delayMs);
  }

  /** Returns the time until the next slice. */
  async #pruneSlice(): Promise<number> {
    const { store, retentionSec, health, clock, onPruned } = this.#deps;
    const nowSec = Math.floor(clock.unixMs() / 1_000);
    try {
      const rows = await store.prune({
        historyBeforeSec: nowSec - retentionSec,
        agentsBeforeSec: nowSec - AGENT_RETENTION_SEC,
        maxRows: SLICE_ROWS,
      });
      health.succeeded();
      onPruned(rows);
      return rows > 0 ? SLICE_PAUSE_MS : ROUND_MS;
    } catch (error) {
      health.failed(error);
      return RETRY_MS;
    }
  }
}
