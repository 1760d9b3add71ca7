import type { Backoff } from '@lars/runtime/backoff';
import type { OperationHealth } from '../store/operation-health.ts';
import type { StatusStore } from '../store/status-store.ts';

export interface SeqLookupDeps {
  readonly store: Pick<StatusStore, 'lastSeqs' | 'lastHeard'>;
  readonly backoff: Backoff;
  readonly health: OperationHealth;
}

/** Takes the seq of the agent's last stored report and when that was, unix seconds; 0 when the store does not know the agent. */
type TakeAnswer = (storedSeq: number, heardSec: number) => void;

/** How many agents one query of the store names: after a restart all agents come back at once. */
const AGENTS_PER_LOOKUP = 500;

/**
 * Looks up the last report of agents in the store, retrying until it answers. Lookups of the same agent that come meanwhile get the
 * same answer, which stays right: until it is there, no report of that agent can be queued.
 */
export class SeqLookup {
  readonly #deps: SeqLookupDeps;
  readonly #lookups = new Map<string, TakeAnswer[]>();
  #isQuerying = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(deps: SeqLookupDeps) {
    this.#deps = deps;
  }

  find(agent: string, take: TakeAnswer): void {
    const takers = this.#lookups.get(agent);
    if (takers === undefined) this.#lookups.set(agent, [take]);
    else takers.push(take);
    if (!this.#isQuerying) void this.#query();
  }

  /** Lookups that are open stay without an answer. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
  }

  async #query(): Promise<void> {
    this.#isQuerying = true;
    while (this.#lookups.size > 0 && !this.#stopped) {
      if (await this.#queryOnce()) continue;
      if (!this.#stopped) this.#retryTimer = setTimeout(() => void this.#query(), this.#deps.backoff.nextDelayMs());
      return;
    }
    this.#isQuerying = false;
  }

  async #queryOnce(): Promise<boolean> {
    const { store, backoff, health } = this.#deps;
    const agents = [...this.#lookups.keys()].slice(0, AGENTS_PER_LOOKUP);
    let seqs: ReadonlyMap<string, number>;
    let heard: ReadonlyMap<string, number>;
    try {
      seqs = await store.lastSeqs(agents);
      heard = await store.lastHeard(agents);
    } catch (error) {
      health.failed(error);
      return false;
    }
    backoff.reset();
    health.succeeded();
    if (!this.#stopped) for (const agent of agents) this.#answer(agent, seqs.get(agent) ?? 0, heard.get(agent) ?? 0);
    return true;
  }

  #answer(agent: string, storedSeq: number, heardSec: number): void {
    const takers = this.#lookups.get(agent) ?? [];
    this.#lookups.delete(agent);
    for (const take of takers) take(storedSeq, heardSec);
  }
}
