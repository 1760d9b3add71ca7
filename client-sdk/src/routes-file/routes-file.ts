import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type GetRouteResponse, LarsProtocolError } from '@lars/proto';
import { pause } from '../util/pause.ts';
import { type AgentRoutes, readAgentRoutes } from './agent-routes.ts';

/** How often the file is looked at, and read where it has changed. */
const LOOK_MS = 1_000;
/** A disk that hangs must not keep a request from its end: longer than this, what was read before is taken. */
const LOOK_WAIT_MS = 200;
/** What was read is forgotten when no route was asked for this long. */
const FORGET_MS = 60_000;
/** A larger file is none that an agent writes: its 100,000 modules of ten hosts each take a tenth of that. */
const MAX_BYTES = 256 * 1_024 * 1_024;

/** The file to which the agent writes its routes, as of the last look. Nothing that is wrong with it is thrown. */
export class RoutesFile {
  readonly #path: string;
  readonly #nowMs: () => number;
  #routes: AgentRoutes | undefined;
  /** What tells one state of the file from the next. */
  #state = '';
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #forgetTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #errors = 0;
  #problem: string | undefined;

  /** Opens nothing yet. */
  constructor(path: string, nowMs: () => number) {
    this.#path = path;
    this.#nowMs = nowMs;
  }

  /** How often the file was found unusable, once for each of its states. */
  get errors(): number {
    return this.#errors;
  }

  /** Why the file is of no use, if it is of none. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Looks at the file now, as `find` does now and then. @returns `problem` */
  async look(): Promise<string | undefined> {
    this.#looking ??= this.#look();
    await atMost(LOOK_WAIT_MS, this.#looking);
    return this.#problem;
  }

  async find(modid: number, cmdid: number): Promise<GetRouteResponse | undefined> {
    if (this.#nowMs() >= this.#lookedAtMs + LOOK_MS) this.#looking ??= this.#look();
    if (this.#looking !== undefined) await atMost(LOOK_WAIT_MS, this.#looking);
    try {
      const route = this.#routes?.find(modid, cmdid);
      return route?.modid === modid && route.cmdid === cmdid ? route : undefined;
    } catch (error) {
      if (!(error instanceof LarsProtocolError)) throw error;
      this.#onProblem(`is damaged: ${error.message}`);
      return undefined;
    }
  }

  /** Forgets what was read, and reads no more. */
  close(): void {
    this.#isClosed = true;
    this.#forget();
  }

  async #look(): Promise<void> {
    try {
      await this.#readIfChanged();
    } catch (error) {
      this.#onState('unreadable', `cannot be read: ${(error as Error).message}`);
    }
    this.#lookedAtMs = this.#nowMs();
    this.#looking = undefined;
    clearTimeout(this.#forgetTimer);
    if (!this.#isClosed) this.#forgetTimer = setTimeout(() => this.#forget(), FORGET_MS).unref();
  }

  /** A file that is replaced meanwhile is read whole all the same, because it is open. */
  async #readIfChanged(): Promise<void> {
    await using file = await open(this.#path);
    const { dev, ino, size, mtimeMs } = await file.stat();
    const state = `${dev} ${ino} ${size} ${mtimeMs}`;
    if (state === this.#state || this.#isClosed) return;
    if (size > MAX_BYTES) {
      this.#onState(state, `is larger than ${MAX_BYTES} bytes`);
      return;
    }
    this.#onState(state, readAgentRoutes(await file.readFile(), crc32));
  }

  /** An unusable file leaves what was read before as it is: old routes are better than none. */
  #onState(state: string, read: AgentRoutes | string): void {
    if (state === this.#state) return;
    this.#state = state;
    if (typeof read === 'string') this.#onProblem(read);
    else {
      this.#routes = read;
      this.#problem = undefined;
    }
  }

  #onProblem(why: string): void {
    const problem = `${this.#path} ${why}`;
    if (problem === this.#problem) return;
    this.#errors += 1;
    this.#problem = problem;
  }

  #forget(): void {
    clearTimeout(this.#forgetTimer);
    this.#routes = undefined;
    this.#state = '';
  }
}

/** Waits until the work is done, or for so long. The work must not reject. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  void work.then(() => done.abort());
  await pause(ms, [done.signal]);
}
