import type { Clock } from '@lars/runtime/clock';
import type { SharedCounters } from '@lars/runtime/counters';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { SlicePacer } from '@lars/runtime/slice-pacer';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import {
  type ChangeToken,
  type JournalEnds,
  type RouteReader,
  type RouteStore,
  RouteStoreError,
  visitInSlices,
} from '../store/route-store.ts';
import { type Cursors, findChanges } from './find-changes.ts';
import { GuardKeeper } from './guard-keeper.ts';
import { keptFileOf } from './kept-file.ts';
import type { CollectedRoutes } from './parse-rows.ts';
import { assignRevision, planUpdate, type UpdatePlan, type VersionedPlan, withoutNewVersions } from './plan-update.ts';
import type { GuardLimits, KeptRoutes } from './removal-guard.ts';
import { type Route, type RouteDiff, RouteTable, type RouteView, withVersion } from './route-table.ts';
import { SeenFile, seenFileOf } from './seen-file.ts';

export interface RouteWatcherDeps {
  readonly store: RouteStore;
  readonly counters: SharedCounters<DnsserverCounter>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly guard: GuardLimits;
  /** Called when `routes` has changed, with what changed; several times for a change of very many modules. */
  readonly onDiff: (diff: RouteDiff) => void;
  /** Called when `routes` has higher versions of these, with the same hosts. */
  readonly onRaised?: (routes: readonly Route[]) => void;
}

export interface WatcherStatus {
  readonly revision: number;
  /** What the removal guard keeps; undefined when that is nothing. */
  readonly kept: KeptRoutes | undefined;
  /** Why the database cannot be read; undefined when it can. */
  readonly outage: string | undefined;
  /** Versions are ours alone, because the database takes no writes. */
  readonly local: boolean;
}

const KEPT_EDITS = 100_000;
const PRUNE_EVERY_EDITS = 10_000;
const APPLIED_AT_ONCE = 500;
const { at } = dnsserverCounters;

/**
 * Keeps the routes equal to the database's: polls it when told, reads the changes, and publishes exactly the modules that changed,
 * whoever changed them and however. `poll` never rejects: while the database cannot be read, the known routes are served.
 */
export class RouteWatcher {
  readonly #deps: RouteWatcherDeps;
  readonly #guard: GuardKeeper;
  /** undefined where the removal guard is turned off. */
  readonly #seen: SeenFile | undefined;
  readonly #table = new RouteTable();
  readonly #pacer = new SlicePacer();
  #polls: Promise<void> = Promise.resolve();
  #isStarted = false;
  #stopped = false;
  #token: ChangeToken = { data: '', schema: '' };
  #cursors: Cursors = { edit: 0, change: 0 };
  /** The next poll reads the whole table. */
  #reloadAll = false;
  #revision = 0;
  #highestVersion = 0;
  #removedVersion = 0;
  #prunedTo = 0;
  #outage: string | undefined;
  #local = false;

  constructor(deps: RouteWatcherDeps) {
    this.#deps = deps;
    const { guard, store, counters, log, clock } = deps;
    this.#guard = new GuardKeeper({ limits: guard, file: keptFileOf(store.name), counters, log, clock });
    const isGuarded = !guard.acceptEmpty || guard.sharePercent < 100;
    this.#seen = isGuarded ? new SeenFile({ file: seenFileOf(store.name), log, clock }) : undefined;
  }

  get routes(): RouteView {
    return this.#table;
  }

  get status(): WatcherStatus {
    return { revision: this.#revision, kept: this.#guard.kept, outage: this.#outage, local: this.#local };
  }

  /**
   * Reads the whole table under a fresh revision that all routes get. The revision is at least the current Unix second, so no version
   * given out by an earlier run, another dnsserver or a database since restored can return with different hosts.
   * @throws what the store throws
   */
  async start(): Promise<void> {
    const { store } = this.#deps;
    await store.ensureSchema();
    this.#token = await store.changeToken();
    const raised = await this.#raiseRevision();
    const stored = await this.#guard.load();
    const seen = await this.#seen?.load(this.#pause);
    const known = seen?.routes ?? new RouteTable();
    const changes = await store.read(async reader => {
      const { lastEdit, lastChange } = await reader.journal();
      // Without anything kept or seen, nobody waits for a confirmation.
      const edit = Math.min(stored?.lastEdit ?? lastEdit, seen?.cursors.edit ?? lastEdit);
      return findChanges(reader, known, { edit, change: seen?.cursors.change ?? lastChange }, true, [], this.#pause);
    });
    const { revision, journal, loaded } = changes;
    const version = raised ?? revision;
    const served = await this.#guard.resume(stored, changes, known, this.#pause);
    const routes: Route[] = [];
    await visitInSlices(served, this.#pause, content => routes.push(withVersion(content, version, raised === undefined)));
    await this.#applyRoutes(routes);
    this.#moveCursors(journal);
    this.#revision = revision;
    this.#logLoaded(loaded, true);
    await this.#guard.store(this.#cursors.edit);
    this.#isStarted = true;
    void this.#seen?.writeIfDue(this.#table, this.#cursors, this.#pause);
  }

  /** Polls the database now, after a poll that is under way. */
  poll(): Promise<void> {
    this.#polls = this.#polls.then(() => this.#pollOnce());
    return this.#polls;
  }

  /** Gives up a reading that is under way; resolves when the store is not used any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#polls;
    // The table of a start that was not gone through with is not what anybody was served.
    if (this.#isStarted) await this.#seen?.stop(this.#table, this.#cursors);
  }

  async #pollOnce(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#followDatabase();
      this.#onReadable();
    } catch (error) {
      if (!this.#stopped) this.#onUnreadable(error);
    }
  }

  /** The token moves on only when everything was read and applied: after an error the next poll does the same again. */
  async #followDatabase(): Promise<void> {
    const { store } = this.#deps;
    let token = await store.changeToken();
    while (token.schema !== this.#token.schema) {
      this.#reloadAll = true;
      await store.ensureSchema();
      this.#token = { data: this.#token.data, schema: token.schema };
      token = await store.changeToken();
    }
    if (token.data !== this.#token.data) await this.#catchUp();
    this.#token = token;
    await this.#guard.store(this.#cursors.edit);
    void this.#seen?.writeIfDue(this.#table, this.#cursors, this.#pause);
    await this.#pruneJournal();
  }

  async #catchUp(): Promise<void> {
    const { store } = this.#deps;
    const plan = await store.read(this.#plan);
    const needsRevision = plan.unversioned.length > 0;
    await this.#applyPlan(
      needsRevision ? await assignRevision(store, plan, this.#plan, this.#highestVersion, this.#pause) : withoutNewVersions(plan),
    );
  }

  readonly #plan = async (reader: RouteReader): Promise<UpdatePlan> => {
    const changes = await findChanges(
      reader,
      this.#table,
      this.#cursors,
      this.#reloadAll,
      this.#guard.kept?.modules ?? [],
      this.#pause,
    );
    if (changes.fullReload) this.#deps.counters.add(at.reloads);
    const guarded = await this.#guard.guard(changes, this.#table, this.#pause);
    return planUpdate(changes, this.#table, this.#removedVersion, guarded, this.#pause);
  };

  /** In slices, between which each module is served as it was or as it is; the revision moves on when all are as they are. */
  async #applyPlan({ plan, routes, revision, journal, failure }: VersionedPlan): Promise<void> {
    const { changes, kept, versioned, raised } = plan;
    this.#guard.apply(kept, changes);
    this.#logNewVersions(routes, failure);
    const changed = versioned.concat(routes);
    await this.#applyRoutes(raised, this.#deps.onRaised);
    await this.#applyRoutes(changed, this.#deps.onDiff);
    this.#deps.counters.add(at.changedModules, changed.length);
    this.#moveCursors(journal);
    this.#reloadAll = false;
    this.#revision = revision;
    this.#logLoaded(changes.loaded, changes.fullReload);
  }

  /** Whoever is told of a slice finds it in the table. */
  async #applyRoutes(routes: readonly Route[], tell: (slice: readonly Route[]) => void = () => {}): Promise<void> {
    for (let at = 0; at < routes.length; at += APPLIED_AT_ONCE) {
      const slice = routes.slice(at, at + APPLIED_AT_ONCE);
      for (const { version, hosts } of slice) {
        this.#highestVersion = Math.max(this.#highestVersion, version);
        if (hosts.length === 0) this.#removedVersion = Math.max(this.#removedVersion, version);
      }
      this.#table.applyDiff(slice);
      this.#seen?.touch();
      tell(slice);
      await this.#pause();
    }
  }

  #moveCursors({ lastEdit, lastChange }: JournalEnds): void {
    this.#cursors = { edit: lastEdit, change: lastChange };
  }

  #logNewVersions(routes: readonly Route[], failure: RouteStoreError | undefined): void {
    if (routes.length === 0) return;
    const { counters, log } = this.#deps;
    counters.add(failure === undefined ? at.versionedEdits : at.localVersions, routes.length);
    if (failure !== undefined) {
      this.#onReadOnly(failure);
      return;
    }
    this.#local = false;
    log.info('routes were changed by hand: gave them a revision', { modules: routes.length, revision: routes[0]?.version });
  }

  #onReadOnly(failure: RouteStoreError): void {
    if (!this.#local) this.#deps.log.warn('the database takes no writes: route versions are local', { error: failure.message });
    this.#local = true;
  }

  /** @returns undefined when the database takes no writes */
  async #raiseRevision(): Promise<number | undefined> {
    try {
      return await this.#deps.store.change(Math.floor(this.#deps.clock.unixMs() / 1_000), async (_, revision) => revision);
    } catch (error) {
      if (!(error instanceof RouteStoreError) || error.code === 'BUSY') throw error;
      this.#onReadOnly(error);
      return undefined;
    }
  }

  #logLoaded({ skippedRows, namedRows, duplicateRows, routes }: CollectedRoutes, full: boolean): void {
    const { counters, log } = this.#deps;
    counters.add(at.rowsSkipped, skippedRows);
    counters.add(at.rowsDuplicate, duplicateRows);
    if (full) log.debug('read all routes', { modules: routes.size, revision: this.#revision, skippedRows, duplicateRows });
    if (skippedRows > 0) log.warn('invalid rows of RouteData skipped', { skippedRows, rows: namedRows });
  }

  /** Prunes a little in each poll: a change must not wait while a long journal is shortened. */
  async #pruneJournal(): Promise<void> {
    if (Math.abs(this.#cursors.edit - this.#prunedTo) < PRUNE_EVERY_EDITS) return;
    try {
      if (!(await this.#deps.store.pruneEdits(KEPT_EDITS))) this.#prunedTo = this.#cursors.edit;
    } catch (error) {
      // Another process writes, or we may not write: the journal is a little longer until the next poll.
      if (!(error instanceof RouteStoreError)) throw error;
    }
  }

  readonly #pause = (): Promise<void> | undefined => {
    if (this.#stopped) throw new Error('stopped while reading');
    return this.#pacer.pause();
  };

  #onReadable(): void {
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#deps.log.info('the database answers again');
  }

  #onUnreadable(error: unknown): void {
    this.#deps.counters.add(at.dbErrors);
    if (this.#outage === undefined)
      this.#deps.log.error('the database does not answer: serving the known routes, retrying', { error: messageOf(error) });
    this.#outage = messageOf(error);
  }
}
