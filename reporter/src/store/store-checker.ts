import type { OperationHealth } from './operation-health.ts';
import type { StatusStore } from './status-store.ts';

export interface StoreCheckerDeps {
  readonly store: Pick<StatusStore, 'check'>;
  readonly health: OperationHealth;
}

const INTERVAL_MS = 1_000;

/** Checks the store once a second, so that a database file that has gone is noticed also while no reports come. */
export class StoreChecker {
  readonly #deps: StoreCheckerDeps;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: StoreCheckerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#check(), INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    const { store, health } = this.#deps;
    try {
      await store.check();
      health.succeeded();
    } catch (error) {
      health.failed(error);
    }
  }
}
