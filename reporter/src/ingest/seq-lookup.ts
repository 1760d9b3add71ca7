import type { Backoff } from '@lars/runtime/backoff';
import type { Outage } from '../store/outage.ts';
import type { StatusStore } from '../store/status-store.ts';

export interface SeqLookupOptions {
  readonly store: Pick<StatusStore, 'lastSeqs'>;
  readonly backoff: Backoff;
  readonly outage: Outage;
}

/** Takes the seq of the agent's last stored report; 0 when the store does not know the agent. */
type TakeAnswer = (storedSeq: number) => void;

/** About how many agents at a time the store is asked: after a restart they all come back at once. */
const AGENTS_PER_LOOKUP = 500;

/**
 * Asks the store for the last report of agents, again and again until it answers. Who asks about the same agent meanwhile gets
 * the same answer: it stays right, because until it is there no report of that agent can be queued.
 */
export class SeqLookup {
  readonly #options: SeqLookupOptions;
  readonly #questions = new Map<string, TakeAnswer[]>();
  #asking = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SeqLookupOptions) {
    this.#options = options;
  }

  find(agent: string, take: TakeAnswer): void {
    const takers = this.#questions.get(agent);
    if (takers === undefined) this.#questions.set(agent, [take]);
    else takers.push(take);
    if (!this.#asking) void this.#ask();
  }

  /** Questions that are open stay without an answer. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    while (this.#questions.size > 0 && !this.#stopped) {
      if (await this.#askOnce()) continue;
      if (!this.#stopped) this.#retryTimer = setTimeout(() => void this.#ask(), this.#options.backoff.nextDelayMs());
      return;
    }
    this.#asking = false;
  }

  async #askOnce(): Promise<boolean> {
    const { store, backoff, outage } = this.#options;
    const agents = [...this.#questions.keys()].slice(0, AGENTS_PER_LOOKUP);
    let seqs: ReadonlyMap<string, number>;
    try {
      seqs = await store.lastSeqs(agents);
    } catch (error) {
      outage.failed(error);
      return false;
    }
    backoff.reset();
    outage.worked();
    if (!this.#stopped) for (const agent of agents) this.#answer(agent, seqs.get(agent) ?? 0);
    return true;
  }

  #answer(agent: string, storedSeq: number): void {
    const takers = this.#questions.get(agent) ?? [];
    this.#questions.delete(agent);
    for (const take of takers) take(storedSeq);
  }
}
