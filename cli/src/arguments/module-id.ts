// pure
import { INT32_MAX, INT32_MIN, type ModuleId, parseModule as parseModuleName } from '@lars/proto';
import { UsageError } from '../errors.ts';

const MODULE = /^(-?[0-9]+)\/(-?[0-9]+)$/;
const INTEGER = /^-?[0-9]+$/;
const RANGE = `integers in ${INT32_MIN}..${INT32_MAX}`;

/**
 * 'MODID/CMDID'
 * @throws {UsageError}
 */
export function parseModule(text: string): ModuleId {
  const module = parseModuleName(text.trim());
  if (module === undefined) throw new UsageError(`module '${text.trim()}': expected MODID/CMDID, two ${RANGE}`);
  return module;
}

/**
 * The module at the front of a command's words, written `1 2` or `1/2`, and the words behind it.
 * @throws {UsageError}
 */
export function takeModule(words: readonly string[]): { readonly module: ModuleId; readonly rest: readonly string[] } {
  const [first = '', second = ''] = words;
  if (first.includes('/')) return { module: parseModule(first), rest: words.slice(1) };
  const isPair = INTEGER.test(first) && INTEGER.test(second);
  if (!isPair) throw new UsageError(`module '${`${first} ${second}`.trim()}': expected MODID CMDID, two ${RANGE}`);
  return { module: parseModule(`${first}/${second}`), rest: words.slice(2) };
}

/**
 * A command that takes a module and nothing else.
 * @throws {UsageError}
 */
export function onlyModule(words: readonly string[]): ModuleId {
  const { module, rest } = takeModule(words);
  if (rest.length > 0) throw new UsageError(`'${rest.join(' ')}' is one argument too many behind the module`);
  return module;
}

/** A module with a negative modid looks like an option; a blank in front, which parseModule drops, makes it an argument. */
export function shieldModules(argv: readonly string[]): string[] {
  return argv.map(word => (word.startsWith('-') && MODULE.test(word) ? ` ${word}` : word));
}
