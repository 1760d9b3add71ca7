/**
 * The routes as they were last served, in a file beside the database, and how far the journals were read then. A start compares the table with
 * them, so that what was emptied while no dnsserver ran is noticed as if one had run.
 */
import type { Clock } from '@lars/runtime/clock';
import { readCheckedFile, writeCheckedFile } from '@lars/runtime/durable-file';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import type { Pause } from '../store/route-store.ts';
import type { Cursors } from './find-changes.ts';
import { decodeRoutes, encodeRoutes } from './route-lines.ts';
import { RouteTable, type RouteView, withVersion } from './route-table.ts';

const KIND = { name: 'seen-routes', version: 1 };
/** A large table is written for some seconds: not after every change. What changed since then is told by the journals. */
const WRITE_EVERY_MS = 60_000;

/** Some 9 MB, which take a tenth of a second. */
const MAX_HOSTS_AT_STOP = 100_000;

export interface SeenRoutes {
  readonly routes: RouteView;
  readonly cursors: Cursors;
}

export interface SeenFileDeps {
  readonly file: string;
  readonly log: Logger;
  readonly clock: Clock;
}

export function seenFileOf(database: string): string {
  return `${database}.seen`;
}

export class SeenFile {
  readonly #deps: SeenFileDeps;
  #nextWriteMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();
  #hasChanged = false;
  #isWriting = false;
  #hasComplained = false;
  #isStopped = false;

  constructor(deps: SeenFileDeps) {
    this.#deps = deps;
  }

  /** What an earlier run served; undefined where there is nothing, or nothing whole, which the log says. */
  async load(pause: Pause): Promise<SeenRoutes | undefined> {
    const { file, log } = this.#deps;
    try {
      return await readSeen(file, pause);
    } catch (error) {
      log.error('what was served before cannot be read: the table is believed as it is', { error: messageOf(error) });
      return undefined;
    }
  }

  /** The routes have changed. */
  touch(): void {
    this.#hasChanged = true;
  }

  /** Writes the routes when they have changed and it is time. Never rejects; whoever serves need not wait for it. */
  async writeIfDue(routes: RouteView, cursors: Cursors, pause: Pause): Promise<void> {
    const { clock } = this.#deps;
    if (!this.#hasChanged || this.#isWriting || clock.monotonicMs() < this.#nextWriteMs) return;
    this.#isWriting = true;
    this.#writing = this.#write(routes, cursors, pause).finally(() => {
      this.#isWriting = false;
      this.#nextWriteMs = clock.monotonicMs() + WRITE_EVERY_MS;
    });
    await this.#writing;
  }

  /**
   * Gives up what is being prepared, and writes the routes when they have changed and that is quick: then no announcement is older than the file.
   * Resolves when nothing is being written.
   */
  async stop(routes: RouteView, cursors: Cursors): Promise<void> {
    this.#isStopped = true;
    await this.#writing;
    if (this.#hasChanged && routes.hostCount <= MAX_HOSTS_AT_STOP) await this.#write(routes, cursors, () => undefined);
  }

  async #write(routes: RouteView, cursors: Cursors, pause: Pause): Promise<void> {
    const { file, log, clock } = this.#deps;
    this.#hasChanged = false;
    try {
      await writeCheckedFile(file, KIND, await encodeRoutes(cursors, routesOf(routes), pause), clock.unixMs());
      this.#hasComplained = false;
    } catch (error) {
      this.#hasChanged = true;
      if (this.#isStopped) return;
      if (!this.#hasComplained)
        log.warn('what is served cannot be stored: a table that is emptied before the next start would be believed', {
          file,
          error: messageOf(error),
        });
      this.#hasComplained = true;
    }
  }
}

async function readSeen(path: string, pause: Pause): Promise<SeenRoutes | undefined> {
  const file = await readCheckedFile(path, KIND);
  if (file === undefined) return undefined;
  if (!file.isWhole) throw new Error(`${path} ${file.why}`);
  const { head, routes } = await decodeRoutes<Cursors>(file.body, pause);
  const table = new RouteTable();
  table.applyDiff(Array.from(routes.values(), route => withVersion(route, 0)));
  return { routes: table, cursors: head };
}

function* routesOf(routes: RouteView) {
  for (const [, { modid, cmdid, hosts }] of routes.routes()) yield { modid, cmdid, hosts };
}
