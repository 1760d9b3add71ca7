/** The files of the .deb, as they lie in the system. */
import { cpSync, globSync, linkSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { debConf } from './deb-conf.ts';
import type { Materials } from './materials.ts';
import type { StagedPackage } from './npm-packages.ts';
import { systemdUnits } from './systemd-units.ts';
import { ROOT } from './workspace.ts';

export interface DebTreeOptions extends Materials {
  /** Gets the files. */
  readonly root: string;
  readonly staged: readonly StagedPackage[];
}

const LIB = 'usr/lib/lars';
const CONF = 'etc/lars';
const CONF_FILES = ['agent.ini', 'dnsserver.ini', 'reporter.ini', 'proxy.ini'] as const;

/** The conf files that dpkg keeps as people have changed them. */
export const CONFFILES: readonly string[] = CONF_FILES.map(name => `/${CONF}/${name}`);

export function makeDebTree({ root, staged, production, documents }: DebTreeOptions): void {
  const put = (file: string, text: string | Uint8Array, mode = 0o644) => {
    mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(root, file), text, { mode });
  };
  put('usr/bin/lars', readFileSync(path.join(ROOT, 'packaging/lars')), 0o755);
  linkOrCopy(realpathSync(path.join(ROOT, 'node_modules/node/bin/node')), path.join(root, LIB, 'node'));
  for (const { name, folder } of staged) copyRunning(folder, path.join(root, LIB, 'node_modules', name), isOursNeeded);
  for (const one of production) copyRunning(path.join(ROOT, one.path), path.join(root, LIB, one.path), isTheirsNeeded);
  for (const name of CONF_FILES) put(`${CONF}/${name}`, debConf(readFileSync(path.join(ROOT, 'conf', name), 'utf8')));
  for (const [name, text] of systemdUnits()) put(`usr/lib/systemd/system/${name}`, text);
  put('usr/share/man/man1/lars.1.gz', gzipSync(readFileSync(path.join(ROOT, 'cli/man/lars.1'))));
  for (const [name, text] of documents) put(`usr/share/doc/lars/${name}`, text);
}

/** What lies in its node_modules is listed by itself. */
function copyRunning(from: string, to: string, isNeeded: (file: string) => boolean): void {
  for (const file of globSync('**', { cwd: from, exclude: entry => entry === 'node_modules' })) {
    if (!statSync(path.join(from, file)).isFile() || !isNeeded(file)) continue;
    mkdirSync(path.dirname(path.join(to, file)), { recursive: true });
    cpSync(path.join(from, file), path.join(to, file));
  }
}

/** Types, maps and the TypeScript itself; the benchmark's C stays, for it is compiled where it is wanted. */
function isOursNeeded(file: string): boolean {
  return !/\.(ts|map)$/.test(file);
}

/** Sources of what is there as a binary, binaries for other systems, types, and texts that are no licence. */
function isTheirsNeeded(file: string): boolean {
  if (/(^|\/)licen[cs]e/i.test(file)) return true;
  if (file.startsWith('prebuilds/')) return file === `prebuilds/${process.platform}-${process.arch}.node`;
  if (/^(deps|vendor|docs?|tests?|examples?|benchmarks?|browser|musl_\w+)\//.test(file)) return false;
  return !/\.([cm]?ts|map|md|flow|gypi?|cc?|cpp|hh?|hpp|[sS]|asm|inc|def|txt)$/.test(file);
}

function linkOrCopy(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    // The two are on different file systems.
    cpSync(from, to);
  }
}
