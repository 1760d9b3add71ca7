/** SIGHUP: the conf files of the process are read again, and what they name. Nearly all of it needs a restart, which is said key by key. */
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { LogLevel, logLevelOf } from '../log-level.ts';
import type { LogOptions } from '../log-options.ts';
import { type ConfigChange, type ConfigState, describeChanges } from './describe-changes.ts';
import type { ConfigTable } from './table.ts';

/** A conf file that this process has read, and the values that it runs with. */
export interface LoadedConfig {
  readonly table: ConfigTable;
  readonly path: string;
  readonly read: () => ConfigState;
  running: ConfigState;
  /** What the loggers of the service were made with. */
  readonly logOptions: LogOptions;
}

/** Every process reads its conf files in one way and at its start; what it has read is what it reads again. */
const loaded = new Map<string, LoadedConfig>();

export function rememberConfig(config: LoadedConfig): void {
  loaded.set(config.path, config);
}

/** The one key that is changed without a restart. */
const LOG_LEVEL = '[log] level';

const listeners = new Set<() => unknown>();

/** Calls back at each reload, after the conf files: for files that the conf names. @returns ends that */
export function onReload(listener: () => unknown): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reads all of them again. A file that is wrong changes nothing: the error names it and the line, and the values stay. */
export function reloadConfigs(log: Logger): void {
  if (loaded.size === 0) log.info('no conf file was read at the start, so there is none to reload');
  for (const config of loaded.values()) {
    try {
      reload(config, log);
    } catch (error) {
      log.error('conf not reloaded, the values before stay', { file: config.path, error: messageOf(error) });
    }
  }
  for (const listener of listeners) listener();
}

function reload(config: LoadedConfig, log: Logger): void {
  const now = config.read();
  const changes = describeChanges(config.table, config.running, now);
  const file = config.path;
  if (changes.length === 0) {
    log.info('conf reloaded: nothing has changed', { file });
    return;
  }
  const applied = changes.filter(({ key }) => key === LOG_LEVEL);
  const needRestart = changes.filter(({ key }) => key !== LOG_LEVEL);
  const { level } = now.config['log'] as LogOptions;
  const say = () => {
    if (applied.length > 0) log.warn('conf reloaded: applied', { file, changes: shown(applied) });
    if (needRestart.length > 0) log.warn('conf reloaded: needs a restart', { file, changes: shown(needRestart) });
  };
  // Neither the level before nor the one after it is to hide what has happened.
  if (new LogLevel(level).isOn('warn')) {
    applyLogLevel(config, level);
    say();
  } else {
    say();
    applyLogLevel(config, level);
  }
}

function shown(changes: readonly ConfigChange[]): string {
  return changes.map(({ key, before, after }) => `${key}: ${before} → ${after}`).join(', ');
}

function applyLogLevel(config: LoadedConfig, level: LogOptions['level']): void {
  const { text, config: values } = config.running;
  logLevelOf(config.logOptions).set(level);
  config.running = { text, config: { ...values, log: { ...(values['log'] as LogOptions), level } } };
}
