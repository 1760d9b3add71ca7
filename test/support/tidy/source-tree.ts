/** The files of the project as records, so that a house rule is a function and can be shown a bad example. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TreeFile {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** A place where a rule is broken. */
export interface Violation {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  readonly message: string;
}

export type Rule = (files: readonly TreeFile[]) => Violation[];

/** What git knows and what it would take: ignored files are no part of the project, whatever lies about. */
export function readTree(root: string): TreeFile[] {
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  const paths = new Set(listing.split('\0').filter(path => path !== '' && existsSync(join(root, path))));
  return [...paths].sort().map(path => ({ path, text: readText(join(root, path)) }));
}

/** A binary file has no text that a rule could check. */
function readText(path: string): string {
  const text = readFileSync(path, 'utf8');
  return text.includes('\0') ? '' : text;
}

export function formatViolation({ path, line, message }: Violation): string {
  return `${path}:${line} ${message}`;
}

export function isSource(path: string): boolean {
  return /\.(ts|tsx|mts|js|mjs)$/.test(path);
}

/** A file of a package's src folder. */
export function isPackageSource(path: string): boolean {
  return isSource(path) && /^[^/]+\/src\//.test(path);
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** A finding for each match of a global pattern. */
export function findAll(path: string, text: string, pattern: RegExp, message: (match: string) => string): Violation[] {
  return [...text.matchAll(pattern)].map(match => ({ path, line: lineAt(text, match.index), message: message(match[0].trim()) }));
}
