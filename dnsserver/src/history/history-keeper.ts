import { setImmediate as nextTick } from 'node:timers/promises';
import type { Clock } from '@lars/runtime/clock';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import type { ChangeSet, HistoryLimits } from '../store/history-store.ts';
import { type RouteStore, RouteStoreError } from '../store/route-store.ts';
import { findUnrecorded } from './find-unrecorded.ts';
import { HAND_MADE, recordChanges } from './record-changes.ts';

export interface HistoryKeeperDeps {
  readonly store: RouteStore;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'unixMs'>;
  readonly limits: HistoryLimits;
}

/** Beyond this many change sets in one poll, the log names the last ones alone. */
const MAX_LOGGED = 20;

/**
 * Records what was changed by hand, has a line in the log for each change set, whoever wrote it, and keeps the history within its limits. It
 * runs behind the pushes: no agent waits for it, and where it fails routes are served all the same.
 */
export class HistoryKeeper {
  readonly #deps: HistoryKeeperDeps;
  #token = '';
  /** The last change set that the log has; undefined before the first poll. */
  #loggedSet: number | undefined;
  #mayPrune = true;
  #hasComplained = false;
  #polls: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(deps: HistoryKeeperDeps) {
    this.#deps = deps;
  }

  /** Never rejects. */
  poll(): Promise<void> {
    this.#polls = this.#polls.then(() => this.#pollOnce());
    return this.#polls;
  }

  /** Gives up a reading that is under way; resolves when the store is not used any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#polls;
  }

  async #pollOnce(): Promise<void> {
    if (this.#stopped) return;
    const before = this.#token;
    try {
      await this.#follow();
      this.#hasComplained = false;
    } catch (error) {
      // Another process writes: the next poll tries again. Anything else is tried again with the next change.
      if (error instanceof RouteStoreError && error.code === 'BUSY') this.#token = before;
      else if (!this.#stopped) this.#onFailure(error);
    }
  }

  async #follow(): Promise<void> {
    const { store, limits } = this.#deps;
    const token = (await store.changeToken()).data;
    if (token !== this.#token) {
      this.#token = token;
      this.#loggedSet ??= (await store.read(reader => reader.history.lastSet()))?.id ?? 0;
      await this.#recordHandMade();
      await this.#logNewSets(this.#loggedSet);
    }
    if (!this.#mayPrune) return;
    this.#mayPrune = false;
    this.#mayPrune = await store.update(writer => writer.history.prune(limits));
  }

  /** Looks before it takes the write lock: most changes have been recorded by the command that made them. */
  async #recordHandMade(): Promise<void> {
    const { store, clock } = this.#deps;
    const { lastEdit } = await store.read(reader => findUnrecorded(reader, this.#pause));
    if (lastEdit === undefined) return;
    await store.update(async writer => {
      const revision = await writer.revision();
      await recordChanges(writer, HAND_MADE, { revision, unixMs: clock.unixMs() }, this.#pause);
    });
  }

  async #logNewSets(afterSet: number): Promise<void> {
    const { store, log } = this.#deps;
    const { last, sets } = await store.read(async ({ history }) => {
      const last = (await history.lastSet())?.id ?? 0;
      return { last, sets: await history.setsAfter(Math.max(afterSet, last - MAX_LOGGED), MAX_LOGGED) };
    });
    this.#loggedSet = last;
    if (last - afterSet > sets.length) log.info('routes were changed many times', { changes: last - afterSet });
    for (const set of sets) log.info('routes were changed', loggedFields(set));
    if (sets.length > 0) this.#mayPrune = true;
  }

  #onFailure(error: unknown): void {
    if (!this.#hasComplained)
      this.#deps.log.warn('changes of routes cannot be recorded: the history lacks what is changed by hand', {
        error: messageOf(error),
      });
    this.#hasComplained = true;
  }

  readonly #pause = async (): Promise<void> => {
    await nextTick();
    if (this.#stopped) throw new Error('stopped while reading');
  };
}

function loggedFields({ revision, author, machine, command, reason, added, updated, removed, modules }: ChangeSet) {
  const by = machine === '' ? author : `${author}@${machine}`;
  return { revision, by, command, ...(reason === '' ? {} : { reason }), added, updated, removed, modules };
}
