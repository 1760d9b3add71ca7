/** The npm packages of a release: each workspace is staged as it is published, and npm packs what was staged. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type NamePolicy, publishedName, tarballName, withPublishedNames } from './names.ts';
import { packedManifest } from './packed-manifest.ts';
import { packedReadme } from './packed-readme.ts';
import { publishedFiles, ROOT, readWorkspaces, type Workspace } from './workspace.ts';

export interface StageOptions {
  /** Gets a folder for each package, by its published name. */
  readonly folder: string;
  readonly version: string;
  readonly nameOf?: NamePolicy;
}

export interface StagedPackage {
  readonly name: string;
  readonly folder: string;
  readonly tarball: string;
}

const TEXT = /\.(js|ts|md|json|map)$/;

/** @throws {Error} when the project is not built, or a package.json lacks something */
export function stagePackages({ folder, version, nameOf = publishedName }: StageOptions): readonly StagedPackage[] {
  const workspaces = readWorkspaces();
  const names = workspaces.map(({ manifest }) => manifest.name);
  return workspaces.map(workspace => {
    const manifest = packedManifest(workspace.manifest, { version, workspaces: names, nameOf });
    const staged = path.join(folder, manifest.name);
    rmSync(staged, { recursive: true, force: true });
    stageFiles(workspace, staged, text => withPublishedNames(text, names, nameOf));
    cpSync(path.join(ROOT, 'LICENSE'), path.join(staged, 'LICENSE'));
    writeFileSync(path.join(staged, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    return { name: manifest.name, folder: staged, tarball: tarballName(manifest.name, version) };
  });
}

function stageFiles(workspace: Workspace, staged: string, rename: (text: string) => string): void {
  for (const file of publishedFiles(workspace)) {
    const [from, to] = [path.join(workspace.folder, file), path.join(staged, file)];
    mkdirSync(path.dirname(to), { recursive: true });
    if (!TEXT.test(file)) {
      cpSync(from, to);
      continue;
    }
    const text = rename(readFileSync(from, 'utf8'));
    writeFileSync(to, file === 'README.md' ? packedReadme(text) : text);
  }
}

/** Makes the tarballs in the folder. Two of the same files have the same bytes. */
export function packPackages(staged: readonly StagedPackage[], folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder, ...staged.map(one => one.folder)];
  execFileSync('npm', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  return staged.map(({ tarball }) => path.join(folder, tarball));
}
