import { codeOnly } from './code-text.ts';
import { importsOf, isRelative, packageOf, resolveRelative, sourceOf, workspacesOf } from './imports.ts';
import { findAll, isSource, type TreeFile, type Violation } from './source-tree.ts';

const PURE_FOLDERS = ['proto/src/', 'agent/src/balancer/'];

/** What tells the time, draws lots, waits or reaches out of the process. Not as a property of something else. */
const IMPURE =
  /(?<![\w$#.])(?:Date\b(?!\s*[:?])|Math\s*\.\s*random\b|performance\b(?!\s*[:?])|set(?:Timeout|Interval|Immediate)\b|queueMicrotask\b|process\s*\.|console\s*\.|globalThis\b|fetch\s*\(|crypto\s*\.)/g;

export function isPure(file: TreeFile): boolean {
  return file.text.split('\n', 1)[0] === '// pure';
}

/** Every file of a pure folder says that it is pure, in its first line. */
export function pureFoldersAreMarked(files: readonly TreeFile[]): Violation[] {
  return files
    .filter(file => isSource(file.path) && PURE_FOLDERS.some(folder => file.path.startsWith(folder)) && !isPure(file))
    .map(file => ({ path: file.path, line: 1, message: "the first line must be '// pure'" }));
}

/** A pure file gets the time and its random numbers as arguments. */
export function pureFilesUseNoEnvironment(files: readonly TreeFile[]): Violation[] {
  return pureSources(files).flatMap(file =>
    findAll(file.path, codeOnly(file.text), IMPURE, match => `a pure file must not use ${match.replace(/[\s.(]+$/, '')}`),
  );
}

/** Libraries that only compute, and the folder whose pure files stand on them. */
const COMPUTING_LIBRARIES: Readonly<Record<string, string>> = { protobufjs: 'proto/src/', ini: 'runtime/src/config/' };

/**
 * A pure file imports pure files only, of its own package or of another, and the few libraries that only compute. A type may come
 * from anywhere: nothing of it runs.
 */
export function pureFilesImportPureFiles(files: readonly TreeFile[]): Violation[] {
  const pure = new Set(pureSources(files).map(file => file.path));
  const workspaces = workspacesOf(files);
  const allowed = (path: string, specifier: string) =>
    pure.has((isRelative(specifier) ? resolveRelative(path, specifier) : sourceOf(specifier, workspaces)) ?? '') ||
    path.startsWith(COMPUTING_LIBRARIES[packageOf(specifier) ?? ''] ?? '\0');
  return pureSources(files).flatMap(file =>
    importsOf(file)
      .filter(({ specifier, typeOnly }) => !typeOnly && !allowed(file.path, specifier))
      .map(({ specifier, line }) => ({ path: file.path, line, message: `a pure file must not import '${specifier}'` })),
  );
}

function pureSources(files: readonly TreeFile[]): TreeFile[] {
  return files.filter(file => isSource(file.path) && isPure(file));
}
