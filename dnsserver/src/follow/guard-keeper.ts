import type { Clock } from '@lars/runtime/clock';
import type { SharedCounters } from '@lars/runtime/counters';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import { type Pause, visitInSlices } from '../store/route-store.ts';
import type { DatabaseChanges } from './find-changes.ts';
import { readKept, removeKept, type StoredKept, writeKept } from './kept-file.ts';
import {
  type GuardedChanges,
  type GuardLimits,
  guardChanges,
  joinKept,
  type KeptRoutes,
  keptHostCount,
  reviewKept,
  withKeptHosts,
} from './removal-guard.ts';
import type { RouteContent, RouteView } from './route-table.ts';

export interface GuardKeeperDeps {
  readonly limits: GuardLimits;
  /** Where what is kept outlasts a restart. */
  readonly file: string;
  readonly counters: SharedCounters<DnsserverCounter>;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'unixMs'>;
}

/** Remembers what the removal guard keeps, in its file too, and tells people. */
export class GuardKeeper {
  readonly #deps: GuardKeeperDeps;
  #kept: KeptRoutes | undefined;
  /** What the file has. */
  #stored: KeptRoutes | undefined;
  #hasComplained = false;

  constructor(deps: GuardKeeperDeps) {
    this.#deps = deps;
  }

  get kept(): KeptRoutes | undefined {
    return this.#kept;
  }

  /** What an earlier run kept. A file that is not whole is left alone, and named in the log. */
  async load(): Promise<StoredKept | undefined> {
    try {
      const stored = await readKept(this.#deps.file);
      this.#stored = stored?.kept;
      return stored;
    } catch (error) {
      this.#deps.log.error('what the removal guard kept before cannot be read: the table is served as it is', {
        error: messageOf(error),
      });
      return undefined;
    }
  }

  /**
   * Goes on keeping what an earlier run kept, and keeps what vanished since then, as if this run had seen it.
   * @param known what was served then
   * @returns the routes that are served
   */
  async resume(
    stored: StoredKept | undefined,
    changes: DatabaseChanges,
    known: RouteView,
    pause: Pause,
  ): Promise<RouteContent[]> {
    const { routes } = changes.loaded;
    // The announcements may be older than what is kept, and say nothing of it.
    const still = changes.cleared ? undefined : await reviewKept(stored?.kept, routes, new Map(), pause);
    const { kept: lost } = await this.guard(changes, known, pause);
    this.#kept = still;
    const kept = joinKept(still, lost);
    if (kept !== undefined && kept.total === still?.total) this.#logKept(kept);
    this.apply(kept, changes);
    const served: RouteContent[] = [];
    await visitInSlices(routes.values(), pause, content => served.push(withKeptHosts(content, kept)));
    for (const [key, route] of kept?.modules ?? []) if (!routes.has(key)) served.push(route);
    return served;
  }

  guard(changes: DatabaseChanges, known: RouteView, pause: Pause): Promise<GuardedChanges> {
    return guardChanges(changes, known, this.#kept, this.#deps.limits, this.#deps.clock.unixMs(), pause);
  }

  apply(kept: KeptRoutes | undefined, { cleared, moduleCount }: DatabaseChanges): void {
    const before = this.#kept;
    this.#kept = kept;
    if (kept !== undefined && kept.total > (before?.total ?? 0)) {
      this.#deps.counters.add(dnsserverCounters.at.emptyGuardActivations);
      this.#logKept(kept);
    }
    if (kept === undefined && before !== undefined) {
      const why = cleared ? 'is confirmed' : moduleCount === 0 ? 'is meant to be empty' : 'has most of the kept hosts again';
      this.#deps.log.info(`RouteData ${why}; nothing is kept any more`);
    }
  }

  /** Brings the file up to date; where that fails, the next call tries again. */
  async store(lastEdit: number): Promise<void> {
    const { file, log, clock } = this.#deps;
    const kept = this.#kept;
    if (kept === this.#stored) return;
    try {
      if (kept === undefined) await removeKept(file);
      else await writeKept(file, { kept, lastEdit }, clock.unixMs());
      this.#stored = kept;
      this.#hasComplained = false;
    } catch (error) {
      if (!this.#hasComplained)
        log.error('what the removal guard keeps cannot be stored, and a restart would lose it', {
          file,
          error: messageOf(error),
        });
      this.#hasComplained = true;
    }
  }

  #logKept(kept: KeptRoutes): void {
    this.#deps.log.error(
      "RouteData lost hosts in great numbers and nobody announced that: serving them all the same. 'lars route restore' writes them " +
        "back; if it is meant, 'lars route confirm' says so",
      {
        modules: kept.modules.size,
        hosts: keptHostCount(kept),
        since: new Date(kept.sinceMs).toISOString(),
        file: this.#deps.file,
      },
    );
  }
}
