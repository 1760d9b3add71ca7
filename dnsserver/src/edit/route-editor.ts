import { setImmediate as nextTick } from 'node:timers/promises';
import { type HostAddress, hostKey, type ModuleId, routeKey } from '@lars/proto';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { START_WAIT_MS } from '@lars/runtime/sql/sqlite';
import { keptFileOf, readKept } from '../follow/kept-file.ts';
import { keptHostCount } from '../follow/removal-guard.ts';
import type { RouteContent } from '../follow/route-table.ts';
import { thisUser } from '../history/change-origin.ts';
import { modulesOf } from '../history/compare-rows.ts';
import { findUnrecorded } from '../history/find-unrecorded.ts';
import { countsOf, freeRevision, HAND_MADE, recordChanges } from '../history/record-changes.ts';
import type { ChangeOrigin } from '../store/history-store.ts';
import { type RouteReader, type RouteRow, type RouteStore, type RouteWriter, visitRoutesOf } from '../store/route-store.ts';
import { SqliteRouteStore } from '../store/sqlite-route-store.ts';
import { type Differences, differencesOf } from './differences.ts';
import { type EditMode, type EditPlan, planDrain, planEdit, planRemoval } from './edit-plan.ts';
import { planUndo } from './plan-undo.ts';
import { takesAway, whyConfirm } from './removal-rule.ts';
import {
  type CheckedEntry,
  checkEntry,
  checkHost,
  checkModule,
  type HostEntry,
  type RouteEntry,
  RouteError,
} from './route-entry.ts';
import { allRows, entriesOf, type RouteInspector, StoreRouteInspector } from './route-inspector.ts';
import { writePlan } from './write-plan.ts';

/** What a change did. Where all counts are zero, nothing had to be changed, and the revision stayed. */
export interface EditResult {
  /** Of the database, after the change. */
  readonly revision: number;
  readonly added: number;
  readonly updated: number;
  readonly removed: number;
  /** How many modules changed. */
  readonly modules: number;
  /** Of `apply` without pruning: how many hosts the routes do not name, and that stay. */
  readonly unnamed?: number;
  /** There when nothing was written: what the change would do. */
  readonly preview?: EditPreview;
}

export interface EditPreview extends Differences {
  /** Why the change must be confirmed; undefined when it need not be. Without `dryRun`, this is why nothing was written. */
  readonly whyConfirm: string | undefined;
}

/** What the removal guard kept. */
export interface KeptCounts {
  readonly modules: number;
  readonly hosts: number;
}

/**
 * Writes routes, whether dnsserver runs or not. Each change is one transaction: the rows, the revision raised by one, a row
 * in RouteChange for each changed module, and a change set in the history. A change of nothing leaves the revision as it is.
 * Every method throws RouteStoreError when the database fails; the methods that take routes check all of them before they write
 * any, and throw RouteError.
 */
export interface RouteEditor extends RouteInspector {
  /** A host that exists already gets the weight, zone and drain mark that the entry has. */
  add(modid: number, cmdid: number, hosts: readonly HostEntry[]): Promise<EditResult>;
  /** Removes hosts; without `hosts`, the whole module. Hosts that do not exist are no error. */
  remove(modid: number, cmdid: number, hosts?: readonly string[]): Promise<EditResult>;
  /** These hosts get no new calls, or get them again. A host that does not exist is a RouteError NO_SUCH_HOST, and nothing is changed. */
  setDrain(modid: number, cmdid: number, hosts: readonly string[], drain: boolean): Promise<EditResult>;
  import(entries: readonly RouteEntry[], mode: EditMode): Promise<EditResult>;
  /** Makes what one change set changed as it was before; @throws {UndoConflict} where it was changed since. */
  undo(revision: number): Promise<EditResult>;
  /** Removes all routes, and confirms to a dnsserver's removal guard that this is meant. Always raises the revision. */
  clear(): Promise<EditResult>;
  /** Says to a dnsserver's removal guard that the table is meant as it is. Always raises the revision. */
  confirm(): Promise<KeptCounts>;
  /** Writes back what a dnsserver's removal guard keeps. */
  restore(): Promise<EditResult>;
}

export interface RouteEditorOptions {
  /** The SQLite file of [database] file; it is created when there is none. */
  readonly file: string;
  /** Stands in the history beside the user and the machine. */
  readonly command?: string;
  readonly reason?: string;
  /** Nothing is written; results have a preview. */
  readonly dryRun?: boolean;
  /** Refuse what removes much; results have a preview then. Without it, every change is meant. */
  readonly asksToConfirm?: boolean;
}

/** @throws {StartupError} when the file cannot be opened or holds something else */
export async function openRouteEditor(options: RouteEditorOptions, clock: Clock = systemClock): Promise<RouteEditor> {
  const store = new SqliteRouteStore({ file: options.file, busyWaitMs: START_WAIT_MS, readOnly: options.dryRun === true });
  try {
    await store.ensureSchema();
  } catch (error) {
    await store.close();
    throw error;
  }
  return new StoreRouteEditor(store, options, clock);
}

/** What a change wants written, and what else it does in the same transaction. */
interface Change {
  plan(reader: RouteReader): Promise<EditPlan>;
  /** Also when the plan is empty. */
  readonly always?: boolean;
  /** Tells the removal guard that the table is meant as it is afterwards. */
  readonly confirms?: boolean;
  /** What goes is not named by whoever makes the change, but missing in what he declares. */
  readonly isDeclared?: boolean;
  /** How many hosts that the removal guard keeps are served no more once the change is made. */
  readonly letGo?: number;
  /** In the place of writing the plan. */
  write?(writer: RouteWriter, revision: number): Promise<void>;
}

class StoreRouteEditor extends StoreRouteInspector implements RouteEditor {
  readonly #options: RouteEditorOptions;
  readonly #clock: Clock;

  constructor(store: RouteStore, options: RouteEditorOptions, clock: Clock) {
    super(store);
    this.#options = options;
    this.#clock = clock;
  }

  add(modid: number, cmdid: number, hosts: readonly HostEntry[]): Promise<EditResult> {
    return this.import(
      hosts.map(host => ({ modid, cmdid, ...host })),
      'add',
    );
  }

  async remove(modid: number, cmdid: number, hosts?: readonly string[]): Promise<EditResult> {
    checkModule(modid, cmdid);
    const keys = hosts?.map(host => hostKey(checkHost(host)));
    return this.#change({ plan: async reader => planRemoval(await reader.rowsOf([{ modid, cmdid }]), keys) });
  }

  async setDrain(modid: number, cmdid: number, hosts: readonly string[], drain: boolean): Promise<EditResult> {
    checkModule(modid, cmdid);
    const addresses = hosts.map(host => checkHost(host));
    const module = { modid, cmdid };
    return this.#change({ plan: async reader => planDrain(await reader.rowsOf([module]), module, addresses, drain) });
  }

  async import(entries: readonly RouteEntry[], mode: EditMode): Promise<EditResult> {
    const checked = entries.map(checkEntry);
    // Who says what the whole table is means that it has nothing else.
    const confirms = mode === 'replace' || mode === 'prune';
    return this.#change({
      plan: async reader =>
        planEdit(mode === 'add' ? await rowsOfModules(reader, checked) : await allRows(reader), checked, mode),
      confirms,
      isDeclared: mode === 'prune',
      ...(confirms ? await this.#keptBeside(checked) : {}),
    });
  }

  /** Where something is kept, also a table that is as it should be must be confirmed. */
  async #keptBeside(entries: readonly CheckedEntry[]): Promise<Pick<Change, 'always' | 'letGo'>> {
    try {
      const stored = await readKept(keptFileOf(this.store.name));
      return stored === undefined ? {} : { always: true, letGo: hostsBeside(entries, stored.kept.modules.values()) };
    } catch {
      // dnsserver leaves a file alone that is not whole, and keeps nothing that stands in it.
      return { always: true };
    }
  }

  undo(revision: number): Promise<EditResult> {
    return this.#change({ plan: reader => undoPlanOf(reader, revision) });
  }

  async confirm(): Promise<KeptCounts> {
    const stored = await readKept(keptFileOf(this.store.name));
    await this.#change({ plan: async () => planRemoval([], undefined), always: true, confirms: true });
    return { modules: stored?.kept.modules.size ?? 0, hosts: stored === undefined ? 0 : keptHostCount(stored.kept) };
  }

  async restore(): Promise<EditResult> {
    const stored = await readKept(keptFileOf(this.store.name));
    if (stored === undefined) throw new RouteError('NOTHING_KEPT', `nothing is kept: there is no ${keptFileOf(this.store.name)}`);
    return this.import([...stored.kept.modules.values()].flatMap(entriesOf), 'add');
  }

  clear(): Promise<EditResult> {
    return this.#change({
      plan: async reader => planRemoval(await allRows(reader), undefined),
      always: true,
      write: (writer, revision) => writer.clear(revision),
    });
  }

  async #change(change: Change): Promise<EditResult> {
    if (this.#options.dryRun === true)
      return this.store.read(async reader => {
        const { result, preview } = await this.#plan(reader, change, await reader.revision());
        return { ...result, preview };
      });
    try {
      return await this.store.change(0, (writer, revision) => this.#write(writer, change, revision));
    } catch (error) {
      if (!(error instanceof NothingWritten)) throw error;
      return error.result;
    }
  }

  async #plan(reader: RouteReader, change: Change, revision: number) {
    const plan = await change.plan(reader);
    const differences = differencesOf(plan.changes);
    const losing = modulesOf(plan.changes.filter(takesAway));
    const why = whyConfirm(differences.hosts, {
      rows: await rowsOfModules(reader, losing),
      hostCount: await reader.rowCount(),
      isDeclared: change.isDeclared === true,
      letGo: change.letGo ?? 0,
    });
    const result: EditResult = {
      revision,
      ...countsOf(plan.changes),
      ...(plan.unnamed > 0 ? { unnamed: plan.unnamed } : {}),
    };
    return { plan, result, preview: { ...differences, whyConfirm: why } satisfies EditPreview };
  }

  async #write(writer: RouteWriter, change: Change, raised: number): Promise<EditResult> {
    const unixMs = this.#clock.unixMs();
    const usable = await freeRevision(writer, raised);
    const handMade = await recordChanges(writer, HAND_MADE, { revision: usable, unixMs }, nextTick);
    const revision = handMade === undefined ? usable : await writer.raiseRevision(handMade.revision);
    const { plan, result, preview } = await this.#plan(writer, change, revision);
    const isHandMadeConfirmed = handMade !== undefined && change.confirms === true;
    if (plan.changes.length === 0 && change.always !== true && !isHandMadeConfirmed)
      throw new NothingWritten({ ...result, revision: raised - 1 });
    if (preview.whyConfirm !== undefined && this.#options.asksToConfirm === true)
      throw new NothingWritten({ ...result, revision: raised - 1, preview });
    if (change.confirms === true) await writer.markConfirmed();
    if (change.write === undefined) await writePlan(writer, plan, revision);
    else await change.write(writer, revision);
    await recordChanges(writer, this.#origin, { revision, unixMs, evenIfNothing: true }, nextTick);
    return result;
  }

  get #origin(): ChangeOrigin {
    const { command = 'a program', reason = '' } = this.#options;
    return { ...thisUser(), command, reason };
  }
}

/** Thrown inside a transaction so that it is rolled back, the revision too. */
class NothingWritten extends Error {
  readonly result: EditResult;

  constructor(result: EditResult) {
    super('nothing is written');
    this.result = result;
  }
}

async function undoPlanOf(reader: RouteReader, revision: number): Promise<EditPlan> {
  const { history } = reader;
  const set = await history.setUpTo(revision);
  if (set?.revision !== revision)
    throw new RouteError('NO_SUCH_REVISION', `no change in the history has revision ${revision}; lars route history shows them`);
  const changes = await history.changesBetween(set.id - 1, set.id);
  const later = await history.changesBetween(set.id, (await history.lastSet())?.id ?? set.id);
  const { changes: unrecorded } = await findUnrecorded(reader, nextTick);
  return planUndo(revision, changes, [...later, ...unrecorded]);
}

/** How many hosts of the routes no entry names. */
function hostsBeside(entries: readonly CheckedEntry[], routes: Iterable<RouteContent>): number {
  const nameOf = (modid: number, cmdid: number, host: HostAddress) => `${modid}/${cmdid} ${hostKey(host)}`;
  const named = new Set(entries.map(({ modid, cmdid, address }) => nameOf(modid, cmdid, address)));
  let count = 0;
  for (const { modid, cmdid, hosts } of routes) for (const host of hosts) if (!named.has(nameOf(modid, cmdid, host))) count += 1;
  return count;
}

async function rowsOfModules(reader: RouteReader, modules: readonly ModuleId[]): Promise<RouteRow[]> {
  const distinct = new Map(modules.map(module => [routeKey(module.modid, module.cmdid), module]));
  const rows: RouteRow[] = [];
  await visitRoutesOf(reader, [...distinct.values()], nextTick, row => rows.push(row));
  return rows;
}
