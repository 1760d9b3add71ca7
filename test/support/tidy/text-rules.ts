import { codeOnly } from './code-text.ts';
import { findAll, isPackageSource, isSource, type TreeFile, type Violation } from './source-tree.ts';

const MAX_LINES = 350;
const MAY_PRINT = ['cli/', 'bench/', 'examples/'];

// Patterns of text that this file must not contain itself are written with a class of one character.
const UNFINISHED = /\b(?:TO[D]O|FIX[M]E|XX[X])\b/g;
const LEFT_OUT = /\.(?:ski[p]|onl[y]|tod[o])\s*\(/g;
const MACHINE_PATH = /\/wor[k]\//g;
const REGISTRY_HOST = /https?:\/\/(?:registr[y]|de[b])\./g;

/** Only what talks to people prints; the rest logs. */
export function noConsole(files: readonly TreeFile[]): Violation[] {
  const silent = files.filter(file => isSource(file.path) && !MAY_PRINT.some(folder => file.path.startsWith(folder)));
  return silent.flatMap(file =>
    findAll(
      file.path,
      codeOnly(file.text),
      /(?<![\w$#.])console\s*\.\s*\w+/g,
      match => `${match} outside ${MAY_PRINT.join(', ')}`,
    ),
  );
}

export function nothingUnfinished(files: readonly TreeFile[]): Violation[] {
  return files
    .filter(file => isSource(file.path) || /\.(md|proto|css|html|ini)$/.test(file.path))
    .flatMap(file => findAll(file.path, file.text, UNFINISHED, match => `${match} is left`));
}

export function noTestLeftOut(files: readonly TreeFile[]): Violation[] {
  return files
    .filter(file => isSource(file.path))
    .flatMap(file => findAll(file.path, codeOnly(file.text), LEFT_OUT, match => `${match}) leaves tests out`));
}

export function noAny(files: readonly TreeFile[]): Violation[] {
  return packageCode(files).flatMap(({ path, code }) =>
    findAll(path, code, /(?::|\bas|<|\|)\s*any\b(?!\s*[(:])|\bany\[\]/g, () => "the type 'any'"),
  );
}

export function noDefaultExports(files: readonly TreeFile[]): Violation[] {
  return packageCode(files).flatMap(({ path, code }) =>
    findAll(path, code, /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g, () => 'a default export'),
  );
}

export function kebabCaseNames(files: readonly TreeFile[]): Violation[] {
  const named = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
  return files
    .filter(file => isSource(file.path) && !file.path.split('/').every(part => named.test(part)))
    .map(file => ({ path: file.path, line: 1, message: 'the name is not kebab-case' }));
}

export function noLongFiles(files: readonly TreeFile[]): Violation[] {
  return files
    .filter(file => isSource(file.path))
    .map(file => ({ path: file.path, line: file.text.replace(/\n$/, '').split('\n').length }))
    .filter(({ line }) => line > MAX_LINES)
    .map(({ path, line }) => ({ path, line, message: `${line} lines, at most ${MAX_LINES}: it has two reasons to change` }));
}

/** The project does not know the machine that it was written on, nor where its packages come from. */
export function noMachineNames(files: readonly TreeFile[]): Violation[] {
  return files
    .filter(file => file.path !== 'package-lock.json')
    .flatMap(file => [
      ...findAll(file.path, file.text, MACHINE_PATH, match => `'${match}' is a path of one machine`),
      ...findAll(file.path, file.text, REGISTRY_HOST, match => `'${match}' is a package registry`),
    ]);
}

function packageCode(files: readonly TreeFile[]): { path: string; code: string }[] {
  return files.filter(file => isPackageSource(file.path)).map(file => ({ path: file.path, code: codeOnly(file.text) }));
}
