import { chmodSync, chownSync, lstatSync } from 'node:fs';
import type { SocketFile } from '@lars/reactor';
import { messageOf } from './errors.ts';
import type { Logger } from './log.ts';

export interface SocketFileWatchDeps {
  readonly after: (ms: number, callback: () => void) => { cancel(): void };
  readonly log: Logger;
  /**
   * Lets another socket listen at the path, instead of the one to which nobody can connect any more.
   * @returns its file; undefined: not now
   */
  readonly replace: () => Promise<SocketFile | undefined>;
}

/** Of a file's mode, those that say who may do what. */
const MODE_BITS = 0o777;
/** How often it is looked whether the file is there. */
const LOOK_MS = 1_000;

/** Looks after the file of a UNIX socket that listens. One that somebody has taken away, as what clears /tmp does, is made anew: nobody could connect without. */
export class SocketFileWatch {
  readonly #title: string;
  readonly #deps: SocketFileWatchDeps;
  #file: SocketFile;
  #timer: { cancel(): void } | undefined;
  #isStopped = false;
  #hasWarned = false;
  #access: FileAccess | undefined;

  /** @param title what listens there, in the log */
  constructor(title: string, file: SocketFile, deps: SocketFileWatchDeps) {
    this.#title = title;
    this.#file = file;
    this.#deps = deps;
    this.#access = accessOf(file.path);
    this.#lookLater();
  }

  /** That of the socket which listens now. */
  get file(): SocketFile {
    return this.#file;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #lookLater(): void {
    this.#timer = this.#deps.after(LOOK_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { state, path } = this.#file;
    const { log } = this.#deps;
    if (state === 'ours') this.#access = accessOf(path) ?? this.#access;
    if (state === 'taken' && !this.#hasWarned) {
      this.#hasWarned = true;
      log.error(`another file is at the path of ${this.#title}: nobody reaches this process there any more`, { socket: path });
    }
    if (state === 'gone') {
      try {
        await this.#replace();
      } catch (error) {
        const problem = { socket: path, error: messageOf(error) };
        if (!this.#hasWarned) log.error(`the file of ${this.#title} was taken away, and cannot be made anew`, problem);
        this.#hasWarned = true;
      }
    }
    if (!this.#isStopped) this.#lookLater();
  }

  async #replace(): Promise<void> {
    const fresh = await this.#deps.replace();
    if (fresh === undefined) return;
    this.#file = fresh;
    if (this.#access !== undefined) allow(fresh.path, this.#access);
    this.#hasWarned = false;
    this.#deps.log.warn(`the file of ${this.#title} was taken away, and is made anew`, { socket: fresh.path });
  }
}

/** Who may connect: somebody may have changed it since the file was made. */
interface FileAccess {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

function accessOf(path: string): FileAccess | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function allow(path: string, { mode, uid, gid }: FileAccess): void {
  try {
    chmodSync(path, mode & MODE_BITS);
    chownSync(path, uid, gid);
  } catch {
    // Only root gives files away; the mode is set by then.
  }
}
