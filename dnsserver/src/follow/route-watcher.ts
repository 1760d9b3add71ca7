import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '@lars/runtime/clock';
import type { CounterBank } from '@lars/runtime/counters';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import { type ChangeMark, type RouteReader, type RouteStore, RouteStoreError } from '../store/route-store.ts';
import { type Adoption, adoptEdits } from './adopt-edits.ts';
import { type Cursors, type Findings, findChanges } from './find-changes.ts';
import { loadAll } from './load-routes.ts';
import { judgeFindings, type Verdict, withVersion } from './plan-update.ts';
import type { Route, RouteDiff } from './route.ts';
import { RouteTable, type RouteView } from './route-table.ts';
import type { CollectedRoutes } from './row-collector.ts';

export interface RouteWatcherOptions {
  readonly store: RouteStore;
  readonly counters: CounterBank<DnsserverCounter>;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'unixMs'>;
  /** Serve an empty table as it is, even when it was not emptied through us. */
  readonly believeEmpty: boolean;
  /** Called when `routes` has changed, with what changed. */
  readonly onDiff: (diff: RouteDiff) => void;
  /** Called when `routes` has higher versions of these, with the same hosts. */
  readonly onRaised?: (routes: readonly Route[]) => void;
}

export interface WatcherStatus {
  readonly revision: number;
  /** The table reads empty and is not believed; what was held is served on. */
  readonly holding: boolean;
  /** Why the database cannot be read; undefined when it can. */
  readonly outage: string | undefined;
  /** Versions are ours alone, because the database takes no writes. */
  readonly local: boolean;
}

/** A long import may hold the database while we start. */
const START_ATTEMPTS = 100;
const KEPT_EDITS = 100_000;
const PRUNE_EVERY_EDITS = 10_000;
const { at } = dnsserverCounters;

/**
 * Keeps the routes equal to the database's: looks at it when told (poll), reads what moved, and publishes exactly the modules
 * that changed, whoever changed them and however. It never rejects: while the database cannot be read, what is held is served.
 */
export class RouteWatcher {
  readonly #options: RouteWatcherOptions;
  readonly #table = new RouteTable();
  #polls: Promise<void> = Promise.resolve();
  #stopped = false;
  #mark: ChangeMark = { data: '', schema: '' };
  #cursors: Cursors = { edit: 0, change: 0 };
  /** The next look reads the whole table. */
  #everything = false;
  #revision = 0;
  #highestVersion = 0;
  #removedVersion = 0;
  #prunedTo = 0;
  #holding = false;
  #outage: string | undefined;
  #local = false;

  constructor(options: RouteWatcherOptions) {
    this.#options = options;
  }

  get routes(): RouteView {
    return this.#table;
  }

  get status(): WatcherStatus {
    return { revision: this.#revision, holding: this.#holding, outage: this.#outage, local: this.#local };
  }

  /**
   * Reads everything for the first time. It raises the revision for it, and all routes get that: a version under which another
   * dnsserver, or an earlier run, gave out other hosts must not come back (edits by hand may have been made since). It is beyond the
   * second of the clock, as the deployed systems' versions are: a database that was restored has forgotten the revisions since.
   * @throws what the store throws
   */
  async start(): Promise<void> {
    const { store } = this.#options;
    await store.ensureSchema();
    this.#mark = await store.changeMark();
    const raised = await this.#raiseRevision();
    const { revision, journal, loaded } = await store.read(async reader => ({
      revision: await reader.revision(),
      journal: await reader.journal(),
      loaded: await loadAll(reader, this.#pause),
    }));
    const version = raised ?? revision;
    const routes = [...loaded.routes.values()].map(content => withVersion(content, version, raised === undefined));
    this.#cursors = { edit: journal.lastEdit, change: journal.lastChange };
    this.#revision = revision;
    this.#take(routes);
    this.#report(loaded, true);
  }

  /** Looks now, after a look that is under way. */
  poll(): Promise<void> {
    this.#polls = this.#polls.then(() => this.#pollOnce());
    return this.#polls;
  }

  /** Gives up what is being read; resolves when the store is not used any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#polls;
  }

  async #pollOnce(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#look();
      this.#onReadable();
    } catch (error) {
      if (!this.#stopped) this.#onUnreadable(error);
    }
  }

  /** Only when all has been read and taken over, the mark moves on; after an error the next poll does the same again. */
  async #look(): Promise<void> {
    const { store } = this.#options;
    let mark = await store.changeMark();
    while (mark.schema !== this.#mark.schema) {
      this.#everything = true;
      await store.ensureSchema();
      this.#mark = { data: this.#mark.data, schema: mark.schema };
      mark = await store.changeMark();
    }
    if (mark.data !== this.#mark.data) await this.#catchUp();
    this.#mark = mark;
    await this.#prune();
  }

  async #catchUp(): Promise<void> {
    const verdict = await this.#options.store.read(this.#judge);
    if (verdict.kind === 'take' && verdict.plan.unannounced.length > 0) {
      this.#conclude(await adoptEdits(this.#options.store, verdict, this.#judge, this.#highestVersion, this.#pause));
    } else {
      const { revision, journal } = verdict.findings;
      this.#conclude({ verdict, routes: [], revision, journal, failure: undefined });
    }
  }

  readonly #judge = async (reader: RouteReader): Promise<Verdict> => {
    const findings = await findChanges(reader, this.#table, this.#cursors, this.#everything, this.#pause);
    if (findings.full) this.#options.counters.add(at.reloads);
    return judgeFindings(findings, this.#table, this.#removedVersion, this.#options.believeEmpty);
  };

  #conclude(adoption: Adoption): void {
    const { verdict } = adoption;
    if (verdict.kind === 'hold') this.#hold(verdict.findings);
    else this.#takeOver(verdict, adoption);
  }

  #takeOver({ findings, plan }: Verdict & { kind: 'take' }, { routes, revision, journal, failure }: Adoption): void {
    this.#release();
    this.#noteAdoption(routes, failure);
    this.#cursors = { edit: journal.lastEdit, change: journal.lastChange };
    this.#everything = false;
    const changed = [...plan.announced, ...routes];
    this.#revision = revision;
    this.#take(plan.raised);
    this.#take(changed);
    this.#report(findings.loaded, findings.full);
    this.#options.counters.add(at.changedModules, changed.length);
    if (plan.raised.length > 0) this.#options.onRaised?.(plan.raised);
    if (changed.length > 0) this.#options.onDiff(changed);
  }

  #take(routes: readonly Route[]): void {
    for (const { version, hosts } of routes) {
      this.#highestVersion = Math.max(this.#highestVersion, version);
      if (hosts.length === 0) this.#removedVersion = Math.max(this.#removedVersion, version);
    }
    this.#table.apply(routes);
  }

  /** The cursors stay, so that whatever is announced from now on is seen together; a foreign journal is begun at its end. */
  #hold({ foreign, journal }: Findings): void {
    this.#everything = true;
    if (foreign) this.#cursors = { edit: journal.lastEdit, change: journal.lastChange };
    if (this.#holding) return;
    this.#holding = true;
    this.#options.counters.add(at.emptyGuardHolds);
    this.#options.log.error(
      'RouteData reads empty and nobody announced that: serving the routes held before. If it is meant to be empty, ' +
        "confirm with 'lars route clear --yes', or set [routes] believe_empty = true",
      { modules: this.#table.moduleCount, database: this.#options.store.name },
    );
  }

  #release(): void {
    if (!this.#holding) return;
    this.#holding = false;
    this.#options.log.info('RouteData is believed again');
  }

  #noteAdoption(routes: readonly Route[], failure: RouteStoreError | undefined): void {
    if (routes.length === 0) return;
    const { counters, log } = this.#options;
    counters.add(failure === undefined ? at.adoptedEdits : at.localVersions, routes.length);
    if (failure !== undefined) {
      this.#onLocal(failure);
      return;
    }
    this.#local = false;
    log.info('routes were changed by hand: gave them a revision', { modules: routes.length, revision: routes[0]?.version });
  }

  #onLocal(failure: RouteStoreError): void {
    if (!this.#local)
      this.#options.log.warn('the database takes no writes: route versions are local', { error: failure.message });
    this.#local = true;
  }

  /** @returns undefined when the database takes no writes */
  async #raiseRevision(attempt = 1): Promise<number | undefined> {
    try {
      return await this.#options.store.change(Math.floor(this.#options.clock.unixMs() / 1_000), async (_, revision) => revision);
    } catch (error) {
      if (!(error instanceof RouteStoreError)) throw error;
      if (error.code !== 'BUSY') {
        this.#onLocal(error);
        return undefined;
      }
      if (attempt === START_ATTEMPTS) throw error;
      return this.#raiseRevision(attempt + 1);
    }
  }

  #report({ skippedRows, namedRows, duplicateRows, routes }: CollectedRoutes, full: boolean): void {
    const { counters, log } = this.#options;
    counters.add(at.rowsSkipped, skippedRows);
    counters.add(at.rowsDuplicate, duplicateRows);
    if (full) log.debug('read all routes', { modules: routes.size, revision: this.#revision, skippedRows, duplicateRows });
    if (skippedRows > 0) log.warn('rows of RouteData make no sense and are not served', { skippedRows, rows: namedRows });
  }

  /** A little at a look: what changed must not wait while a long journal is shortened. */
  async #prune(): Promise<void> {
    if (Math.abs(this.#cursors.edit - this.#prunedTo) < PRUNE_EVERY_EDITS) return;
    try {
      if (!(await this.#options.store.pruneEdits(KEPT_EDITS))) this.#prunedTo = this.#cursors.edit;
    } catch (error) {
      // Somebody else writes, or we may not: the journal is a little longer until next time.
      if (!(error instanceof RouteStoreError)) throw error;
    }
  }

  readonly #pause = async (): Promise<void> => {
    await nextTurn();
    if (this.#stopped) throw new Error('stopped while reading');
  };

  #onReadable(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#options.log.info('the database answers again');
  }

  #onUnreadable(error: unknown): void {
    this.#options.counters.add(at.dbErrors);
    if (this.#outage === undefined)
      this.#options.log.error('the database does not answer: serving the routes held, and trying on', {
        error: messageOf(error),
      });
    this.#outage = messageOf(error);
  }
}
