import { posix } from 'node:path';
import { codeOnly } from './code-text.ts';
import { isSource, lineAt, type TreeFile } from './source-tree.ts';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** `import type`, `export type` or `import('x').Name`: nothing is left of it when the file runs. */
  readonly typeOnly: boolean;
}

const IMPORT =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\s*\(\s*|\bimport\.meta\.resolve\s*\(\s*)(?:'( *)'|"( *)"|`( *)`)/g;
const TYPES_FROM = /\b(?:import|export)\s+type\s+(?:\w+|[{*][^;'"]*)\s*$/;
const TYPE_OF_MODULE = /^\s*\)\s*\.\s*[A-Z]/;

/** What a file imports: static, dynamic, re-exported, for types only. */
export function importsOf(file: TreeFile): Import[] {
  const code = codeOnly(file.text);
  return [...code.matchAll(IMPORT)].map(match => {
    const afterQuote = match.index + match[0].length;
    const length = (match[1] ?? match[2] ?? match[3] ?? '').length;
    const typeOnly = match[0].startsWith('from')
      ? TYPES_FROM.test(code.slice(code.lastIndexOf(';', match.index) + 1, match.index))
      : TYPE_OF_MODULE.test(code.slice(afterQuote));
    return { specifier: file.text.slice(afterQuote - 1 - length, afterQuote - 1), line: lineAt(file.text, afterQuote), typeOnly };
  });
}

export function isRelative(specifier: string): boolean {
  return /^\.\.?(\/|$)/.test(specifier);
}

/** The path that a relative import means, from the root; it begins with '..' when it leaves the tree. */
export function resolveRelative(path: string, specifier: string): string {
  return posix.join(posix.dirname(path), specifier);
}

/** 'a/b' → 'a', '@a/b/c' → '@a/b'; undefined for relative imports, Node's own modules and a package's own `#imports`. */
export function packageOf(specifier: string): string | undefined {
  if (isRelative(specifier) || /^(node:|#|\/)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The manifest of a workspace or of the root. */
export interface Manifest {
  readonly file: TreeFile;
  /** The workspace's folder, '' for the root. */
  readonly folder: string;
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
  readonly exports: Readonly<Record<string, { readonly source?: string }>>;
}

type Json = { readonly name: string; readonly exports?: Manifest['exports'] } & Readonly<Record<string, object | undefined>>;

/** The root's manifest and those of our packages. */
export function manifestsOf(files: readonly TreeFile[]): Manifest[] {
  const manifests = files.filter(file => /^([^/]+\/)?package\.json$/.test(file.path));
  return manifests.map(file => {
    const json = JSON.parse(file.text) as Json;
    const names = (...fields: string[]) => fields.flatMap(field => Object.keys(json[field] ?? {}));
    return {
      file,
      folder: posix.dirname(file.path).replace(/^\.$/, ''),
      name: json.name,
      dependencies: names('dependencies', 'optionalDependencies', 'peerDependencies'),
      devDependencies: names('devDependencies'),
      exports: json.exports ?? {},
    };
  });
}

export function workspacesOf(files: readonly TreeFile[]): Manifest[] {
  return manifestsOf(files).filter(manifest => manifest.folder !== '' && manifest.name.startsWith('@lars/'));
}

/** The source file behind '@lars/proto' or '@lars/runtime/log', as the package's exports have it. */
export function sourceOf(specifier: string, workspaces: readonly Manifest[]): string | undefined {
  const workspace = workspaces.find(({ name }) => name === packageOf(specifier));
  if (workspace === undefined) return undefined;
  const subpath = specifier.slice(workspace.name.length + 1);
  const source = workspace.exports[subpath === '' ? '.' : `./${subpath}`]?.source ?? workspace.exports['./*']?.source;
  return source === undefined ? undefined : posix.join(workspace.folder, source.replace('*', subpath));
}

export function sourcesIn(folder: string, files: readonly TreeFile[]): TreeFile[] {
  return files.filter(file => isSource(file.path) && file.path.startsWith(`${folder}/`));
}

/** The line of a manifest that names a package. */
export function lineNaming(manifest: Manifest, name: string): number {
  return lineAt(manifest.file.text, manifest.file.text.indexOf(`"${name}":`));
}
