import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOnly } from '../../test/support/tidy/code-text.ts';

const ROOT = path.join(import.meta.dirname, '../..');

/** What ran of one file. */
export interface RanFile {
  /** Relative to the project's root. */
  readonly file: string;
  /** All lines of the file. */
  readonly lines: number;
  readonly ranLines: ReadonlySet<number>;
  readonly functions: ReadonlySet<string>;
}

export type RanFiles = ReadonlyMap<string, RanFile>;

/** What ran of the packages' sources, by file. A script that several threads have loaded comes once for each of them. */
export function ranFiles(scripts: readonly Profiler.ScriptCoverage[]): RanFiles {
  const files = new Map<string, RanFile>();
  for (const { url, functions } of scripts) {
    const file = packageSource(url);
    if (file === undefined) continue;
    const known = files.get(file);
    const ran = ranFunctions(functions);
    const ranLines = new Set([...(known?.ranLines ?? []), ...linesThatRan(file, functions)]);
    if (ranLines.size === 0) continue;
    files.set(file, { file, lines: lineCount(file), ranLines, functions: new Set([...(known?.functions ?? []), ...ran]) });
  }
  return files;
}

/** What ran each time: a timer that fired in one of several measurements is no part of the way. */
export function ranEachTime(times: readonly RanFiles[]): readonly RanFile[] {
  const [first, ...others] = times;
  if (first === undefined) return [];
  return [...first.values()]
    .map(({ file, lines, ranLines, functions }) => ({
      file,
      lines,
      ranLines: new Set([...ranLines].filter(line => others.every(other => other.get(file)?.ranLines.has(line)))),
      functions: new Set([...functions].filter(name => others.every(other => other.get(file)?.functions.has(name)))),
    }))
    .filter(({ ranLines }) => ranLines.size > 0);
}

function packageSource(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  const file = path.relative(ROOT, fileURLToPath(url)).split(path.sep).join('/');
  return /^[^/.]+\/src\/.*\.ts$/.test(file) ? file : undefined;
}

function ranFunctions(functions: readonly Profiler.FunctionCoverage[]): string[] {
  const named = /^[^<]/;
  return functions
    .filter(({ functionName, ranges }) => named.test(functionName) && (ranges[0]?.count ?? 0) > 0)
    .map(({ functionName }) => functionName);
}

/** A line ran when the innermost block around some word of its code did. V8 gives the blocks of a function from the outside in. */
function linesThatRan(file: string, functions: readonly Profiler.FunctionCoverage[]): Set<number> {
  const { words, lineOf } = codeOf(file);
  const counts = new Uint8Array(words.length);
  const ranges = functions
    .flatMap(each => each.ranges)
    .sort((a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset));
  for (const { startOffset, endOffset, count } of ranges) counts.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  const lines = new Set<number>();
  for (let at = 0; at < words.length; at++) if (words[at] === 1 && counts[at] === 1) lines.add(lineOf[at] as number);
  return lines;
}

interface Code {
  /** 1 for each character that belongs to a word of the code, of what is left when types and comments are gone. */
  readonly words: Uint8Array;
  readonly lineOf: Uint32Array;
}

const codes = new Map<string, Code>();

/** Node leaves spaces where a type was, so that an offset in what runs is the same in the source. */
function codeOf(file: string): Code {
  const known = codes.get(file);
  if (known !== undefined) return known;
  const source = readFileSync(path.join(ROOT, file), 'utf8');
  const text = codeOnly(stripTypeScriptTypes(source));
  const words = new Uint8Array(text.length);
  const lineOf = new Uint32Array(text.length);
  let line = 1;
  for (let at = 0; at < text.length; at++) {
    lineOf[at] = line;
    if (text[at] === '\n') line += 1;
    else if (/[\w$]/.test(text[at] as string)) words[at] = 1;
  }
  const code = { words, lineOf };
  codes.set(file, code);
  return code;
}

function lineCount(file: string): number {
  return readFileSync(path.join(ROOT, file), 'utf8').replace(/\n$/, '').split('\n').length;
}
