/** Somebody who changes routes all the time, with `lars route` or by hand, and the truth about which hosts have ever been in the table. */
import { openRouteEditor, RouteError, RouteStoreError } from '@lars/dnsserver';
import { formatHost, type ModuleId } from '@lars/proto';
import { StartupError } from '@lars/runtime/errors';
import type RealDatabase from 'better-sqlite3';
import { DatabaseReader } from '../checks/database-reader.ts';
import Database, { SqliteError } from '../host/better-sqlite3.ts';
import { kernel } from '../host/kernel.ts';
import type { Machine } from '../host/machine.ts';
import { SimulatedProcess } from '../host/process.ts';

const HOSTS_PER_MODULE = 7;
const BURST = 10;

export class Administrator {
  readonly modules: readonly ModuleId[];
  readonly #file: string;
  readonly #machine: Machine;
  readonly #published = new Map<string, Set<string>>();
  readonly #reader = new DatabaseReader();
  #edits = 0;
  #running = 0;
  #isLost = false;
  #isFirstThere = true;

  /** @param file of dnsserver's database */
  constructor(file: string, machine: Machine, moduleCount: number) {
    this.#file = file;
    this.#machine = machine;
    this.modules = Array.from({ length: moduleCount }, (_, at) => ({ modid: 100 + at, cmdid: at * 5 }));
  }

  get isBusy(): boolean {
    return this.#running > 0;
  }

  /** Has the host ever been in the module's route, as far as anybody may have read it? */
  wasPublished(modid: number, cmdid: number, authority: string): boolean {
    return this.#published.get(`${modid}/${cmdid}`)?.has(authority) === true;
  }

  /** The hosts of each module as the table has them now, in the words of Caller.routeOf. */
  table(): ReadonlyMap<string, readonly string[]> {
    const rows = this.#reader.readAll<RouteRow>(this.#file, 'SELECT * FROM RouteData');
    const routes = new Map<string, string[]>(this.modules.map(({ modid, cmdid }) => [`${modid}/${cmdid}`, []]));
    for (const { modid, cmdid, serverip, serverport, addr, drain } of rows) {
      const authority = formatHost({ ip: serverip, port: serverport, addr: addr ?? '' });
      routes.get(`${modid}/${cmdid}`)?.push(`${authority}${drain === 1 ? ' drain' : ''}`);
    }
    return routes;
  }

  close(): void {
    this.#reader.close();
  }

  /** Every module gets hosts. */
  fill(): void {
    this.#asProcess(async editor => {
      const entries = this.modules.flatMap((module, at) =>
        [0, 1, 2].map(host => ({ ...module, host: this.#publish(at, host), weight: 100 })),
      );
      await editor.import(entries, 'add');
    });
  }

  /** One random change; none while two are under way, which wait for a lock. */
  edit(): void {
    if (this.#running >= 2 || this.#isLost) return;
    if (kernel.chance(0.1)) {
      this.#undo();
      return;
    }
    const at = any(this.modules.length);
    const module = this.modules[at] as ModuleId;
    const { modid, cmdid } = module;
    const host = this.#anyHost(at);
    const kind = kernel.random();
    if (kind < 0.2) this.#asShell(async database => this.#changeByHand(database, at, host));
    else {
      this.#asProcess(async editor => {
        if (kind < 0.5)
          await editor.add(modid, cmdid, [{ host: this.#publish(at, host), weight: 50 + Math.floor(kernel.random() * 100) }]);
        else if (kind < 0.75) await editor.remove(modid, cmdid, [hostName(at, host)]);
        else if (kind < 0.8) await editor.remove(modid, cmdid, at === 0 ? [1, 2].map(each => hostName(0, each)) : undefined);
        else if (kind < 0.9) await editor.setDrain(modid, cmdid, [hostName(at, host)], kernel.chance(0.5));
        else
          await editor.import(
            [0, 1, 2, 3].map(each => ({ modid, cmdid, host: this.#publish(at, each) })),
            'add',
          );
      });
    }
  }

  /** Says to the removal guard that the table is meant as it is; what was lost may be written back before. */
  confirm(): void {
    const isRestored = this.#isLost && kernel.chance(0.5);
    this.#asProcess(async editor => {
      if (isRestored) await editor.restore();
      // What the guard keeps is given up from now on.
      if (this.#isLost) this.#isFirstThere = false;
      await editor.confirm();
    });
  }

  /**
   * Somebody empties the table by hand, and everybody leaves it alone until the calm.
   * @param isSeen a dnsserver runs that has the routes: it goes on serving all of them
   */
  lose(isSeen: boolean): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (!isSeen) this.#isFirstThere = false;
    this.#asShell(async database => {
      database.exec('DELETE FROM RouteData');
    });
  }

  /** The first module is never without a host, but that all rows may get lost by mistake. */
  isAlwaysThere({ modid, cmdid }: ModuleId): boolean {
    const [first] = this.modules;
    return this.#isFirstThere && first?.modid === modid && first.cmdid === cmdid;
  }

  /** One of the last change sets of a module, but for those of several modules, as the one that filled the table. */
  #undo(): void {
    const module = this.modules[1 + any(this.modules.length - 1)] as ModuleId;
    this.#asProcess(async editor => {
      const sets = (await editor.history(5, module)).changeSets.filter(({ modules }) => modules === 1);
      const set = sets[any(sets.length)];
      if (set !== undefined) await editor.undo(set.revision);
    });
  }

  /** Not the host of the first module that is always there. */
  #anyHost(at: number): number {
    return at === 0 ? 1 + any(HOSTS_PER_MODULE - 1) : any(HOSTS_PER_MODULE);
  }

  /** Somebody locks the database in a shell. */
  lock(forMs: number): void {
    this.#asShell(async database => {
      database.exec('BEGIN IMMEDIATE');
      await new Promise(resolve => setTimeout(resolve, forMs));
    });
  }

  /** Somebody's script changes one host after the other, and tells nobody. */
  burst(): void {
    this.#asShell(async database => {
      for (let i = 0; i < BURST && !this.#isLost; i++) {
        const at = any(this.modules.length);
        this.#changeByHand(database, at, this.#anyHost(at));
        await new Promise(resolve => setTimeout(resolve, any(100)));
      }
    });
  }

  #changeByHand(database: RealDatabase.Database, at: number, host: number): void {
    const { modid, cmdid } = this.modules[at] as ModuleId;
    const isNamed = !/^\d/.test(hostName(at, host));
    if (kernel.chance(0.5) || isNamed) {
      database.prepare('DELETE FROM RouteData WHERE modid = ? AND cmdid = ? AND serverip = ?').run(modid, cmdid, ipOf(at, host));
    } else {
      this.#publish(at, host);
      const insert = 'INSERT OR IGNORE INTO RouteData (modid, cmdid, serverip, serverport) VALUES (?, ?, ?, ?)';
      database.prepare(insert).run(modid, cmdid, ipOf(at, host), portOf(at));
    }
  }

  #asShell(work: (database: RealDatabase.Database) => Promise<void>): void {
    const process = new SimulatedProcess('sqlite3', this.#machine);
    kernel.schedule(0, process, async () => {
      try {
        await work(new Database(this.#file, { timeout: 0 }));
      } catch (error) {
        if (!(error instanceof SqliteError)) throw error;
        kernel.trace(`sqlite3: ${error.message}`);
      }
      process.end('stopped');
    });
  }

  #asProcess(work: (editor: Awaited<ReturnType<typeof openRouteEditor>>) => Promise<void>): void {
    this.#edits += 1;
    const process = new SimulatedProcess(`route.${this.#edits}`, this.#machine);
    this.#running += 1;
    process.atEnd(() => {
      this.#running -= 1;
    });
    kernel.schedule(0, process, async () => {
      try {
        const editor = await openRouteEditor({ file: this.#file });
        try {
          await work(editor);
          kernel.trace(`${process.name} has changed routes`);
        } finally {
          await editor.close();
        }
      } catch (error) {
        if (!(error instanceof RouteError || error instanceof RouteStoreError || error instanceof StartupError)) throw error;
        kernel.trace(`${process.name} fails: ${error.message}`);
      }
      process.end('stopped');
    });
  }

  #publish(at: number, host: number): string {
    const { modid, cmdid } = this.modules[at] as ModuleId;
    const key = `${modid}/${cmdid}`;
    const published = this.#published.get(key) ?? new Set();
    this.#published.set(key, published);
    const name = hostName(at, host);
    published.add(name);
    return name;
  }
}

interface RouteRow extends ModuleId {
  readonly serverip: number;
  readonly serverport: number;
  readonly addr: string | null;
  readonly drain: number;
}

/** A whole number from 0 on, below the bound. */
function any(bound: number): number {
  return Math.floor(kernel.random() * bound);
}

const ipOf = (at: number, host: number): number => ((10 << 24) | ((at + 1) << 8) | (host + 1)) >>> 0;
const portOf = (at: number): number => 1_000 + at;

/** No two modules have a host in common; the last one has a name instead of an address. */
function hostName(at: number, host: number): string {
  return host === HOSTS_PER_MODULE - 1
    ? `h${at}.example:${portOf(at)}`
    : formatHost({ ip: ipOf(at, host), port: portOf(at), addr: '' });
}
