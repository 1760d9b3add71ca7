/** The .deb: a whole LARS with its own Node.js, made by dpkg-deb. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { debArchitecture, debControl, debVersion } from './deb-control.ts';
import { CONFFILES, type DebTreeOptions, makeDebTree } from './deb-tree.ts';
import { DEB_NAME } from './names.ts';
import { ROOT } from './workspace.ts';

export interface DebOptions extends Omit<DebTreeOptions, 'root'> {
  readonly version: string;
  /** For the files while the package is made. */
  readonly staging: string;
  /** Gets the package. */
  readonly folder: string;
  /** As dpkg-deb calls it. Debian 12 and Ubuntu 22.04 read zstd; xz would take minutes and save a tenth. */
  readonly compression: 'zstd' | 'none';
}

/** The time of all files, so that two packages of the same files have the same bytes. It is npm's. */
const FILE_TIME_SEC = 499_162_500;
const SCRIPTS = path.join(ROOT, 'packaging/deb');

export function canMakeDeb(): boolean {
  return spawnSync('dpkg-deb', ['--version']).error === undefined;
}

/** @returns the path of the package */
export function makeDeb(options: DebOptions): string {
  const { staging, folder, compression } = options;
  const architecture = debArchitecture(process.arch);
  const version = debVersion(options.version);
  rmSync(staging, { recursive: true, force: true });
  const mask = process.umask(0o022);
  try {
    makeDebTree({ ...options, root: staging });
    const installedKiB = kibibytes(staging);
    mkdirSync(path.join(staging, 'DEBIAN'));
    const { description: summary } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { description: string };
    writeFileSync(path.join(staging, 'DEBIAN/control'), debControl({ version, architecture, installedKiB, summary }));
    writeFileSync(path.join(staging, 'DEBIAN/conffiles'), `${CONFFILES.join('\n')}\n`);
    for (const script of readdirSync(SCRIPTS)) {
      cpSync(path.join(SCRIPTS, script), path.join(staging, 'DEBIAN', script));
      chmodSync(path.join(staging, 'DEBIAN', script), 0o755);
    }
  } finally {
    process.umask(mask);
  }
  const file = path.join(folder, `${DEB_NAME}_${version}_${architecture}.deb`);
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(FILE_TIME_SEC) };
  execFileSync(
    'dpkg-deb',
    ['--root-owner-group', `-Z${compression}`, ...(compression === 'zstd' ? ['-z9'] : []), '--build', staging, file],
    {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  return file;
}

function kibibytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + Math.ceil(statSync(path.join(parentPath, name)).size / 1024), 0);
}
