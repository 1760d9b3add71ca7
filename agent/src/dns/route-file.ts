/**
 * The file in which an agent keeps its routes for its next start. Main reads and writes it: no caller waits for main. What the routes are only the dns
 * thread knows; here they are bytes in memory that both share.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileKind } from '@lars/proto/checked-file';
import type { Clock } from '@lars/runtime/clock';
import { readCheckedFile, writeCheckedFile } from '@lars/runtime/durable-file';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { makeFolder } from '@lars/runtime/own-files';
import { isReplaceable } from '../replaceable-file.ts';
import {
  committedBytes,
  committedFrames,
  MAX_ROUTE_BYTES,
  newRouteMemory,
  type RouteMemory,
  routeMemoryOf,
} from './route-memory.ts';

const KIND: FileKind = { name: 'agent-routes', version: 1 };
const CONF_KEY = '[agent] routes_file';

/** The log of the routes may be twice as large as they are. */
const MAX_FILE_BYTES = 2 * MAX_ROUTE_BYTES + 1_024;

const LOOK_MS = 1_000;
/** Writing takes at most this part of the time, also where the routes change all the time and the disk is slow. */
const WRITE_SHARE = 0.1;
const RETRY_MS = 30_000;
/** A file of unchanged routes is written anew when it is so old, so that it tells how old its routes are. */
const REFRESH_MS = 3_600_000;
const REFRESH_AT_STOP_MS = 10_000;

export interface RouteFileDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Does dnsserver tell of every change now? */
  isLinkUp(): boolean;
}

export class RouteFile {
  readonly #path: string;
  readonly #deps: RouteFileDeps;
  #memory: RouteMemory = newRouteMemory(0);
  #storedAtMs: number;
  #writtenMemory = this.#memory;
  #writtenBytes = 0;
  #writtenAtMs: number;
  #mayWrite: boolean;
  #writing: Promise<void> | undefined;
  #nextWriteMs = 0;
  #hasComplained = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(file: string, deps: RouteFileDeps) {
    this.#path = file;
    this.#deps = deps;
    this.#storedAtMs = deps.clock.unixMs();
    this.#writtenAtMs = this.#storedAtMs;
    this.#mayWrite = file !== '';
  }

  /** Reads the file; an agent without one, or whose file cannot be used, starts without routes. @param file '' = none */
  static async open(file: string, deps: RouteFileDeps): Promise<RouteFile> {
    const routes = new RouteFile(file, deps);
    if (file !== '') await routes.#read();
    return routes;
  }

  /** From now on changes are written. */
  start(): void {
    this.#timer = setInterval(() => this.#writeIfDue(), LOOK_MS).unref();
  }

  /** For the dns thread, which writes there. */
  get memory(): RouteMemory {
    return this.#memory;
  }

  /** All routes in the memory were confirmed then or later, unix ms. */
  get storedAtMs(): number {
    return this.#storedAtMs;
  }

  /** The dns thread has taken new memory. */
  onMoved(memory: RouteMemory): void {
    this.#memory = memory;
  }

  /** Writes what has changed since the last time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    const isOld = this.#deps.clock.unixMs() - this.#writtenAtMs > REFRESH_AT_STOP_MS;
    if (this.#hasChanged() || (isOld && this.#isRefreshable())) await this.#write();
  }

  async #read(): Promise<void> {
    const size = await stat(this.#path).then(
      ({ size }) => size,
      () => 0,
    );
    const file =
      size > MAX_FILE_BYTES
        ? ({ isWhole: false, why: `is too large: ${size} bytes` } as const)
        : await readCheckedFile(this.#path, KIND);
    if (file === undefined) return;
    if (file.isWhole) {
      this.#memory = routeMemoryOf(file.body);
      this.#writtenMemory = this.#memory;
      this.#writtenBytes = file.body.length;
      this.#storedAtMs = Math.min(file.writtenAtMs, this.#storedAtMs);
      this.#writtenAtMs = this.#storedAtMs;
      return;
    }
    this.#mayWrite = await isReplaceable(this.#path, KIND);
    const then = this.#mayWrite ? 'it is written anew when there are routes' : 'it is left alone, and no routes are kept';
    this.#deps.log.warn(`routes file ${this.#path} ${file.why}; ${then}`, { key: CONF_KEY });
  }

  #hasChanged(): boolean {
    return this.#memory !== this.#writtenMemory || committedBytes(this.#memory) !== this.#writtenBytes;
  }

  #isRefreshable(): boolean {
    return this.#writtenBytes > 0 && this.#deps.isLinkUp();
  }

  #writeIfDue(): void {
    const { clock } = this.#deps;
    if (this.#writing !== undefined || clock.monotonicMs() < this.#nextWriteMs) return;
    const isOld = clock.unixMs() - this.#writtenAtMs > REFRESH_MS;
    if (!this.#hasChanged() && !(isOld && this.#isRefreshable())) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  async #write(): Promise<void> {
    if (!this.#mayWrite) return;
    const { clock, log } = this.#deps;
    const startMs = clock.monotonicMs();
    const memory = this.#memory;
    const frames = committedFrames(memory);
    const atMs = clock.unixMs();
    try {
      await makeFolder(path.dirname(this.#path));
      // A copy, because the checksum and the file want memory that is not shared.
      await writeCheckedFile(this.#path, KIND, frames.slice(), atMs);
      this.#writtenMemory = memory;
      this.#writtenBytes = frames.length;
      this.#writtenAtMs = atMs;
      this.#hasComplained = false;
      this.#nextWriteMs = clock.monotonicMs() + (clock.monotonicMs() - startMs) / WRITE_SHARE;
    } catch (error) {
      this.#nextWriteMs = clock.monotonicMs() + RETRY_MS;
      if (this.#hasComplained) return;
      this.#hasComplained = true;
      log.warn(`routes file ${this.#path} cannot be written, retrying`, { key: CONF_KEY, error: messageOf(error) });
    }
  }
}
