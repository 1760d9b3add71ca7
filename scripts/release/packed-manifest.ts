// pure
/** The package.json of a published package, from that of its workspace. */
import type { NamePolicy } from './names.ts';

export interface PackedManifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

export interface WorkspaceManifest extends PackedManifest {
  /** Files and folders that are published. */
  readonly files: readonly string[];
}

export interface ManifestOptions {
  /** Of this release: the version of all packages. */
  readonly version: string;
  /** The names of all workspaces. */
  readonly workspaces: readonly string[];
  readonly nameOf: NamePolicy;
}

/** `private` guards against publishing a workspace as it lies there; `files` has done its work when the files are chosen. */
const LEFT_OUT: readonly string[] = ['private', 'files', 'devDependencies'];

/**
 * Names and versions are those of the release, each of our packages wants exactly the others of its release, and the condition `source`,
 * by which the project's tests find TypeScript, is gone: bundlers know it too.
 * @throws {Error} when a key is missing that strangers need
 */
export function packedManifest(manifest: WorkspaceManifest, { version, workspaces, nameOf }: ManifestOptions): PackedManifest {
  for (const key of ['description', 'license', 'engines'])
    if (manifest[key] === undefined) throw new Error(`${manifest.name}: package.json has no ${key}`);
  const kept = Object.entries(manifest).filter(([key]) => !LEFT_OUT.includes(key));
  const dependencies = Object.entries(manifest.dependencies ?? {}).map(([name, range]) =>
    workspaces.includes(name) ? [nameOf(name), version] : [name, range],
  );
  const exports = Object.entries(manifest.exports ?? {}).map(
    ([path, { source: _, ...conditions }]) => [path, conditions] as const,
  );
  return {
    ...Object.fromEntries(kept),
    name: nameOf(manifest.name),
    version,
    exports: Object.fromEntries(exports),
    dependencies: Object.fromEntries(dependencies),
  };
}
