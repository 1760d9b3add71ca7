// pure
/** Checks of what callers pass in. Each throws a LarsError LARS_BAD_ARGUMENT that names the argument and what was given. */
import { INT32_MAX, INT32_MIN, isInt32 } from '@lars/proto';
import { suggest } from '@lars/proto/suggestion';
import { LarsError } from './errors.ts';

/** The longest time that a timer can wait, about 24 days. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export function badArgument(argument: string, expected: string, given: unknown, cause?: unknown): LarsError {
  return new LarsError('LARS_BAD_ARGUMENT', `${argument} must be ${expected}, not ${show(given)}`, { cause });
}

export function checkModule(modid: number, cmdid: number): void {
  if (!isInt32(modid)) throw badArgument('modid', `an integer in ${INT32_MIN}..${INT32_MAX}`, modid);
  if (!isInt32(cmdid)) throw badArgument('cmdid', `an integer in ${INT32_MIN}..${INT32_MAX}`, cmdid);
}

export function checkTimeout(argument: string, timeoutMs: number): void {
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return;
  throw badArgument(argument, `a number of milliseconds above 0, at most ${MAX_TIMEOUT_MS}`, timeoutMs);
}

/** By its shape, because a test runner's sandbox or a polyfill may have an AbortSignal class of its own. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function')
    throw badArgument('signal', 'an AbortSignal', signal);
}

export function checkObject(argument: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw badArgument(argument, 'an object', value);
}

/** Refuses what is no object, and keys that do not exist: a misspelt one would otherwise do nothing, unnoticed. */
export function checkKeys(argument: string, value: object, known: readonly string[]): void {
  checkObject(argument, value);
  for (const key in value) if (!known.includes(key)) throw unknownKey(argument, key, known);
}

export function unknownKey(argument: string, key: string, known: readonly string[]): LarsError {
  return new LarsError('LARS_BAD_ARGUMENT', `${argument} must not have ${show(key)}: ${suggest(key, known)}`);
}

export function checkFunction(argument: string, value: unknown): void {
  if (typeof value !== 'function') throw badArgument(argument, 'a function', value);
}

const MAX_SHOWN_LENGTH = 60;

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, MAX_SHOWN_LENGTH)}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'bigint' ? `${value}n` : String(value);
}
