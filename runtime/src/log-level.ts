import type { LogOptions } from './log-options.ts';

type Level = LogOptions['level'];

const RANKS: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** The level of the loggers that were made with the same options, which may change while they are used. */
export class LogLevel {
  #rank: number;

  constructor(level: Level) {
    this.#rank = RANKS[level];
  }

  isOn(level: Level): boolean {
    return RANKS[level] >= this.#rank;
  }

  set(level: Level): void {
    this.#rank = RANKS[level];
  }
}

const levels = new WeakMap<LogOptions, LogLevel>();

export function logLevelOf(options: LogOptions): LogLevel {
  const level = levels.get(options) ?? new LogLevel(options.level);
  levels.set(options, level);
  return level;
}
