import { closeSync, openSync, readSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import type { LogOptions } from '../log-options.ts';
import { ConfigError } from './config-error.ts';
import { loadConfig, MAX_CONFIG_BYTES } from './load-config.ts';
import { rememberConfig } from './reload.ts';
import type { ConfigTable, ConfigValues, Sections } from './table.ts';

export interface ReadConfig<S extends Sections> {
  readonly config: ConfigValues<S>;
  /** Where the configuration came from, for the log: the path, or 'defaults'. */
  readonly source: string;
}

/**
 * The configuration in the file at `path`, which SIGHUP will read again; all defaults without a path. Blocks the thread, which only a starting process may do.
 * @throws {ConfigError} when the file cannot be read, or for the first line of it that is wrong
 */
export function readConfigFile<S extends Sections>(table: ConfigTable<S>, path: string | undefined): ReadConfig<S> {
  if (path === undefined) return { config: loadConfig(table, { path: table.file, text: '' }), source: 'defaults' };
  const read = () => {
    const text = readConfigText(path);
    return { text, config: loadConfig(table, { path, text }) };
  };
  const running = read();
  const logOptions = (running.config as { readonly log?: LogOptions }).log;
  // A table without a log is no service's.
  if (logOptions !== undefined) rememberConfig({ table, path, read, running, logOptions });
  return { config: running.config, source: path };
}

/** @throws {ConfigError} when the file cannot be read or is too large */
export function readConfigText(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readAtMost(path, MAX_CONFIG_BYTES + 1);
  } catch (cause) {
    throw new ConfigError(path, undefined, `cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (bytes.length > MAX_CONFIG_BYTES) throw new ConfigError(path, undefined, `larger than ${MAX_CONFIG_BYTES} bytes`);
  return new TextDecoder().decode(bytes);
}

/** Reads in steps, because a pipe or a device has no size beforehand, and a device may have no end. */
function readAtMost(path: string, limit: number): Uint8Array {
  const buffer = new Uint8Array(limit);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    let read = 1;
    while (read > 0 && length < limit) {
      read = readSync(file, buffer, length, limit - length, null);
      length += read;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno, code } = error as NodeJS.ErrnoException;
  return errno === undefined ? error.message : `${getSystemErrorMessage(errno)} (${code})`;
}
