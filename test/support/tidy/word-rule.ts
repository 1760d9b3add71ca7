import { codeOnly, commentsOnly } from './code-text.ts';
import { isPackageSource, type TreeFile, type Violation } from './source-tree.ts';

const GLOSSARY = 'docs/glossary.md';
const CONF_KEY = /^[a-z\d]+(?:_[a-z\d]+)+$/;

/** A folder or file that may use banned words. */
interface Allowance {
  /** How the paths begin. */
  readonly path: string;
  readonly words: readonly string[] | 'all';
}

/** Words of the public API and of former metrics, which stay as they are. */
const PUBLIC_WORDS: readonly Allowance[] = [
  // LarsStats.held
  { path: 'client-sdk/src/stats.ts', words: ['held'] },
  { path: 'client-sdk/src/cache/route-cache.ts', words: ['held'] },
  { path: 'client-sdk/src/lars-client.ts', words: ['held'] },
  // Former names of metrics.
  { path: 'agent/src/counters.ts', words: ['held', 'idle'] },
  // The ban is about hosts. A connection on which nothing moves is called idle everywhere.
  { path: 'reactor/src/', words: ['idle'] },
  { path: 'proxy/src/', words: ['idle'] },
  // Keys of the conf that deployed agents have.
  { path: 'agent/src/balancing-config.ts', words: ['idle'] },
  { path: 'agent/src/balancer/classic/', words: ['idle'] },
];

/** Rooms that still have the old words. */
const NOT_YET_RENAMED: readonly Allowance[] = [
  // The state words of an agent of an earlier version.
  { path: 'cli/src/output/why-table.ts', words: ['idle', 'serving'] },
];

const ALLOWANCES = [...PUBLIC_WORDS, ...NOT_YET_RENAMED];

/** A row of the glossary's table. */
interface BannedWord {
  readonly word: string;
  readonly say: string;
  /** Banned for some things only ("of hosts"): no rule can tell in a sentence what it is about, so that it looks at names alone. */
  readonly isForSomeThings: boolean;
}

/**
 * No name and no comment of a package uses a word that the glossary bans: as a whole word, also inside of a camelCase name. Names in
 * snake_case are conf keys, which stay as they are.
 */
export function noBannedWords(files: readonly TreeFile[]): Violation[] {
  const banned = bannedWords(files.find(({ path }) => path === GLOSSARY)?.text ?? '');
  return files
    .filter(({ path }) => isPackageSource(path))
    .flatMap(file => [
      ...inPath(file.path, banned),
      ...inText(file, codeOnly(file.text), banned),
      ...inText(file, commentsOnly(file.text), new Map([...banned].filter(([, { isForSomeThings }]) => !isForSomeThings))),
    ]);
}

/** The rows of the table under the heading 'Banned words', by word. */
function bannedWords(glossary: string): ReadonlyMap<string, BannedWord> {
  const [, table = ''] = glossary.split(/^## Banned words$/m);
  const rows = table.split('\n').filter(line => /^\| (?!word \||---)/.test(line));
  const words = rows.flatMap(row => {
    const [, cell = '', say = ''] = row.split('|').map(part => part.trim());
    const isForSomeThings = cell.includes('(');
    return cell
      .replace(/\(.*\)/, '')
      .split(',')
      .map(word => ({ word: word.trim(), say, isForSomeThings }));
  });
  return new Map(words.map(each => [each.word, each]));
}

function inPath(path: string, banned: ReadonlyMap<string, BannedWord>): Violation[] {
  return path.split(/[/.-]/).flatMap(part => found(path, 1, part, banned));
}

function inText({ path }: TreeFile, text: string, banned: ReadonlyMap<string, BannedWord>): Violation[] {
  return text.split('\n').flatMap((line, at) => {
    const names = [...line.matchAll(/[A-Za-z_$][\w$]*/g)].map(([name]) => name).filter(name => !CONF_KEY.test(name));
    return [...new Set(names.flatMap(wordsOf))].flatMap(word => found(path, at + 1, word, banned));
  });
}

function found(path: string, line: number, word: string, banned: ReadonlyMap<string, BannedWord>): Violation[] {
  const ban = banned.get(word);
  if (ban === undefined || ALLOWANCES.some(allowance => isAllowed(allowance, path, word))) return [];
  return [{ path, line, message: `'${word}' is banned by ${GLOSSARY}; say ${ban.say}` }];
}

function isAllowed({ path, words }: Allowance, of: string, word: string): boolean {
  return of.startsWith(path) && (words === 'all' || words.includes(word));
}

/** 'heldCount' → held, count; 'MAX_HELD' → max, held; 'HTTPServer' → http, server. */
function wordsOf(name: string): string[] {
  return name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).map(word => word.toLowerCase());
}
