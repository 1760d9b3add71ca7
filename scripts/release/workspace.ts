/** The workspaces as they lie there, and the files of each that are published. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { WorkspaceManifest } from './packed-manifest.ts';

export const ROOT = path.join(import.meta.dirname, '../..');

export interface Workspace {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: WorkspaceManifest;
}

interface RootManifest {
  readonly version: string;
  readonly workspaces: readonly string[];
}

const rootManifest = (): RootManifest => readJson(path.join(ROOT, 'package.json')) as RootManifest;

/** The version of the release: what the root's package.json says. */
export function projectVersion(): string {
  return rootManifest().version;
}

/** The version of the Node.js that the project brings, and the .deb. */
export function nodeVersion(): string {
  return (readJson(path.join(ROOT, 'node_modules/node/package.json')) as { version: string }).version;
}

/** @throws {Error} when one has another version than the project */
export function readWorkspaces(): readonly Workspace[] {
  const { workspaces, version } = rootManifest();
  return workspaces.map(name => {
    const folder = path.join(ROOT, name);
    const manifest = readJson(path.join(folder, 'package.json')) as WorkspaceManifest;
    if (manifest.version !== version)
      throw new Error(`${name}/package.json has version ${manifest.version}, the project ${version}`);
    return { folder, manifest };
  });
}

/**
 * The files of a package, relative to its folder, but for package.json: its README.md and what `files` in package.json names, of `dist`
 * only what the sources of today made. The sources go along, because the maps beside the JavaScript name them and the benchmark compiles one.
 * @throws {Error} when a source is not built
 */
export function publishedFiles({ folder, manifest }: Workspace): readonly string[] {
  const found = globSync('**', { cwd: folder, withFileTypes: true, exclude: entry => IGNORED.includes(entry.name) })
    .filter(entry => entry.isFile())
    .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)));
  const named = new Set(['README.md', ...manifest.files]);
  const own = found.filter(file => named.has(file.split(path.sep)[0] as string) && !/^src\/.*README\.md$/.test(file));
  const built = own.filter(isTypeScript).flatMap(source => {
    const base = source.replace(/^src\//, 'dist/').replace(/\.ts$/, '');
    return ['.js', '.js.map', '.d.ts'].map(ending => base + ending);
  });
  const missing = built.find(file => !existsSync(path.join(folder, file)));
  if (missing !== undefined) throw new Error(`${manifest.name}: ${missing} is not built; run: npm run build`);
  return [...own, ...built].sort();
}

const IGNORED: readonly string[] = ['dist', 'node_modules'];

function isTypeScript(file: string): boolean {
  return file.startsWith('src/') && file.endsWith('.ts');
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
