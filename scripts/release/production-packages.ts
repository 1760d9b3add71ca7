/** The packages of others that run in production, as package-lock.json has them: what the .deb, the bill of materials and the licences list. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './workspace.ts';

export interface ProductionPackage {
  readonly name: string;
  readonly version: string;
  /** Where it lies, from the project's root: 'node_modules/x', or below the package that alone has this version of it. */
  readonly path: string;
  readonly license: string;
  /** As npm writes it: 'sha512-' and base64. */
  readonly integrity: string | undefined;
}

export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export type Locked = Readonly<Record<string, LockedPackage>>;

export function readLock(): Locked {
  return (JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Locked }).packages;
}

/**
 * All that the workspaces need when they run, without the workspaces themselves, sorted by path.
 * @param isInstalled optional packages that are not, being those of other systems, are left out
 * @throws {Error} when another one is missing in the lock or has no licence
 */
export function productionPackages(
  locked: Locked,
  workspaces: readonly string[],
  isInstalled = (where: string) => existsSync(path.join(ROOT, where)),
): readonly ProductionPackage[] {
  const found = new Map<string, ProductionPackage>();
  const visit = (from: string) => {
    const { dependencies = {}, optionalDependencies = {} } = locked[from] as LockedPackage;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const where = resolve(locked, from, name);
      if (where === undefined || !isInstalled(where)) {
        if (name in optionalDependencies) continue;
        throw new Error(`${from} needs ${name}, which is not installed; run: npm ci`);
      }
      const { version = '', license, integrity, link } = locked[where] as LockedPackage;
      if (link === true || found.has(where)) continue;
      if (license === undefined) throw new Error(`${where} has no licence in package-lock.json`);
      found.set(where, { name, version, path: where, license, integrity });
      visit(where);
    }
  };
  for (const workspace of workspaces) visit(workspace);
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** As Node looks for packages: in the folder's own node_modules, then in that of each folder above it. */
function resolve(locked: Locked, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = path.posix.dirname(folder)) {
    const candidate = path.posix.join(folder, 'node_modules', name);
    if (candidate in locked) return candidate;
    if (folder === '.' || folder === '') return undefined;
  }
}
