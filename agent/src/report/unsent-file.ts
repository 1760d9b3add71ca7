/**
 * What the reporter thread keeps on the disk: the reports that could not be delivered when the agent ended, for its next start; and beside them
 * which reporter is known to acknowledge.
 */
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LarsProtocolError } from '@lars/proto';
import type { FileKind } from '@lars/proto/checked-file';
import { systemClock } from '@lars/runtime/clock';
import { readCheckedFile, writeCheckedFile } from '@lars/runtime/durable-file';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { makeFolder } from '@lars/runtime/own-files';
import { isReplaceable } from '../replaceable-file.ts';
import { type EarlierReport, joinFrames, splitFrames } from './unsent-frames.ts';

const UNSENT: FileKind = { name: 'agent-unsent', version: 1 };
const REPORTER: FileKind = { name: 'agent-reporter', version: 1 };
const CONF_KEY = '[agent] unsent_file';

/** Below what one connection may have in its write buffer, because the next start sends all of it. */
const MAX_BYTES = 48 * 1_024 * 1_024;
const NOTHING: ReadonlyMap<string, readonly EarlierReport[]> = new Map();

export class UnsentFile {
  readonly #path: string;
  readonly #reporter: string;
  readonly #log: Logger;
  #mayWrite: boolean;
  #isThere = false;
  /** What the file has is what this run keeps at its end. */
  #isOwn = false;
  /** The last removal: what is written after it must not be taken away by it. */
  #removal: Promise<unknown> = Promise.resolve();

  /**
   * @param file '' = none
   * @param reporter 'address:port' of the reporter that this agent reports to
   */
  constructor(file: string, reporter: string, log: Logger) {
    this.#path = file;
    this.#reporter = reporter;
    this.#log = log;
    this.#mayWrite = file !== '';
  }

  /** Whether what cannot be delivered can be kept. */
  get isUsable(): boolean {
    return this.#mayWrite;
  }

  /** What earlier runs left, agent by agent. A file that cannot be used is named in the log. */
  async read(): Promise<ReadonlyMap<string, readonly EarlierReport[]>> {
    if (this.#path === '') return NOTHING;
    const size = await stat(this.#path).then(
      ({ size }) => size,
      () => 0,
    );
    if (size > 2 * MAX_BYTES) return this.#refuse(`is too large: ${size} bytes`);
    const file = await readCheckedFile(this.#path, UNSENT);
    if (file === undefined) return NOTHING;
    if (!file.isWhole) return this.#refuse(file.why);
    try {
      const reports = splitFrames(file.body);
      this.#isThere = true;
      return reports;
    } catch (error) {
      if (error instanceof LarsProtocolError) return this.#refuse(`has what is no report: ${error.message}`);
      throw error;
    }
  }

  /** Keeps the frames for the next start. @returns how many were kept; 0 when the file cannot be written, which is logged */
  async write(frames: readonly Uint8Array[]): Promise<number> {
    if (!this.#mayWrite) return 0;
    const { body, left } = joinFrames(frames, MAX_BYTES);
    this.#isOwn = true;
    await this.#removal;
    try {
      await makeFolder(path.dirname(this.#path));
      await writeCheckedFile(this.#path, UNSENT, body, systemClock.unixMs());
      this.#isThere = true;
      return frames.length - left;
    } catch (error) {
      this.#log.warn(`unsent file ${this.#path} cannot be written`, { key: CONF_KEY, error: messageOf(error) });
      return 0;
    }
  }

  /** The reporter has all that earlier runs left. What this run keeps at its end stays. */
  async removeEarlier(): Promise<void> {
    if (!this.#isOwn) await this.remove();
  }

  /** The reporter has all that the file has. */
  async remove(): Promise<void> {
    if (!this.#isThere) return;
    this.#isThere = false;
    const removed = rm(this.#path, { force: true }).catch((error: unknown) => {
      // Sent once more, it counts once all the same.
      this.#log.warn(`unsent file ${this.#path} cannot be removed`, { key: CONF_KEY, error: messageOf(error) });
    });
    this.#removal = removed;
    await removed;
  }

  /** Has this reporter acknowledged before? */
  async knowsReporter(): Promise<boolean> {
    if (this.#path === '') return false;
    const file = await readCheckedFile(this.#reporterPath, REPORTER);
    return file?.isWhole === true && Buffer.from(file.body).toString() === this.#reporter;
  }

  /** This reporter has acknowledged. An agent that cannot note it finds it out anew after its next start. */
  async noteReporter(): Promise<void> {
    if (!this.#mayWrite) return;
    try {
      await makeFolder(path.dirname(this.#path));
      await writeCheckedFile(this.#reporterPath, REPORTER, Buffer.from(this.#reporter), systemClock.unixMs());
    } catch (error) {
      this.#log.warn(`${this.#reporterPath} cannot be written`, { key: CONF_KEY, error: messageOf(error) });
    }
  }

  get #reporterPath(): string {
    return `${this.#path}.reporter`;
  }

  /** As for the routes file: what is torn is lost anyway, and what is not ours, or a newer agent's, is left alone. */
  async #refuse(why: string): Promise<ReadonlyMap<string, readonly EarlierReport[]>> {
    this.#mayWrite = await isReplaceable(this.#path, UNSENT);
    const then = this.#mayWrite ? 'what it had is lost' : 'it is left alone, and nothing is kept when the agent ends';
    this.#log.warn(`unsent file ${this.#path} ${why}; ${then}`, { key: CONF_KEY });
    return NOTHING;
  }
}
