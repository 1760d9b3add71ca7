import type { EngineTimer, Relay } from '@lars/reactor';
import { PlacedList } from '../placed-list.ts';
import type { HostAttempt } from './host-attempt.ts';

export interface FirstByteWatchDeps {
  readonly after: (ms: number, callback: () => void) => EngineTimer;
  /** Monotonic. */
  readonly nowMs: () => number;
}

const LOOK_MS = 50;
/** A host that has accepted and says nothing for so long has had its chance: its client may be one that waits. */
const PATIENCE_MS = 5_000;

/**
 * Waits for the first byte of hosts, and reports their picks then. A relay tells nobody of its bytes, so that they are looked at twenty times a second;
 * connections that end before are reported by their end.
 */
export class FirstByteWatch {
  readonly #deps: FirstByteWatchDeps;
  readonly #watched = new PlacedList<HostAttempt>();
  #timer: EngineTimer | undefined;

  constructor(deps: FirstByteWatchDeps) {
    this.#deps = deps;
  }

  /** @param relay with the client as `a` and the host as `b` */
  add(attempt: HostAttempt, relay: Pick<Relay, 'bytesBToA'>): void {
    attempt.relayed = { relay, sinceMs: this.#deps.nowMs() };
    this.#watched.add(attempt);
    this.#timer ??= this.#deps.after(LOOK_MS, () => this.#look());
  }

  remove(attempt: HostAttempt): void {
    this.#watched.delete(attempt);
    attempt.relayed = undefined;
  }

  #look(): void {
    const nowMs = this.#deps.nowMs();
    for (const attempt of this.#watched) {
      const { relayed } = attempt;
      if (relayed !== undefined && relayed.relay.bytesBToA === 0 && nowMs - relayed.sinceMs < PATIENCE_MS) continue;
      this.remove(attempt);
      attempt.settle(true);
    }
    this.#timer = this.#watched.size === 0 ? undefined : this.#deps.after(LOOK_MS, () => this.#look());
  }
}
