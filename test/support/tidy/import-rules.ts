import {
  importsOf,
  isRelative,
  lineNaming,
  manifestsOf,
  packageOf,
  resolveRelative,
  sourcesIn,
  workspacesOf,
} from './imports.ts';
import { isPackageSource, isSource, type TreeFile, type Violation } from './source-tree.ts';

/** Which of our packages a package may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  syscalls: [],
  runtime: ['proto', 'syscalls', 'reactor'],
  reactor: ['syscalls'],
  'client-sdk': ['proto'],
  agent: ['proto', 'runtime'],
  dnsserver: ['proto', 'runtime'],
  reporter: ['proto', 'runtime'],
  dispatch: ['reactor'],
  dispatcher: ['dispatch', 'reactor', 'runtime'],
  proxy: ['proto', 'runtime', 'reactor', 'client-sdk'],
  cli: ['proto', 'runtime', 'client-sdk', 'agent', 'dnsserver', 'reporter', 'dispatcher', 'proxy'],
};

/** proto ← client-sdk; proto, reactor ← runtime ← agent | dnsserver | reporter; proxy stands on client-sdk, runtime and reactor; cli imports them all. Services meet on the wire. reactor knows nothing of LARS. */
export function importDirection(files: readonly TreeFile[]): Violation[] {
  const workspaces = workspacesOf(files);
  return workspaces.flatMap(({ folder, file: manifest }) => {
    const allowed = MAY_IMPORT[folder];
    if (allowed === undefined) return [{ path: manifest.path, line: 1, message: `nobody said what ${folder} may import` }];
    const check = (file: TreeFile) =>
      importsOf(file).flatMap(({ specifier, line }): Violation[] => {
        const imported = workspaces.find(workspace => workspace.name === packageOf(specifier));
        if (imported === undefined || allowed.includes(imported.folder)) return [];
        return [{ path: file.path, line, message: `${folder} must not import ${imported.folder}` }];
      });
    return sourcesIn(folder, files).flatMap(check);
  });
}

/** A package reaches another one through its name, never through its folder. */
export function importsStayInside(files: readonly TreeFile[]): Violation[] {
  return workspacesOf(files).flatMap(({ folder }) =>
    sourcesIn(folder, files).flatMap(file =>
      importsOf(file)
        .filter(({ specifier }) => isRelative(specifier) && !resolveRelative(file.path, specifier).startsWith(`${folder}/`))
        .map(({ specifier, line }) => ({ path: file.path, line, message: `'${specifier}' leaves ${folder}/` })),
    ),
  );
}

/** What is imported is there in a clean clone; only what the build makes may be missing. */
export function relativeImportsExist(files: readonly TreeFile[]): Violation[] {
  const paths = new Set(files.map(file => file.path));
  return files
    .filter(file => isSource(file.path))
    .flatMap(file =>
      importsOf(file)
        .filter(({ specifier }) => isRelative(specifier))
        .map(({ specifier, line }) => ({ path: file.path, line, specifier, target: resolveRelative(file.path, specifier) }))
        .filter(({ target }) => !paths.has(target) && !/^[^/]+\/dist\//.test(target))
        .map(({ path, line, specifier }) => ({ path, line, message: `'${specifier}' is no file of the project` })),
    );
}

/** A workspace declares what it imports. Outside src and bin (a bundler's config, a test) devDependencies will do. */
export function importsAreDeclared(files: readonly TreeFile[]): Violation[] {
  const root = manifestsOf(files).find(manifest => manifest.folder === '');
  return workspacesOf(files).flatMap(workspace => {
    const forTools = [...workspace.dependencies, ...workspace.devDependencies, ...(root?.devDependencies ?? [])];
    return sourcesIn(workspace.folder, files).flatMap(file => {
      const shipped = /^[^/]+\/(src|bin)\//.test(file.path);
      const declared = new Set(shipped ? workspace.dependencies : forTools);
      return importsOf(file).flatMap(({ specifier, line }): Violation[] => {
        const name = packageOf(specifier);
        if (name === undefined || name === workspace.name || declared.has(name)) return [];
        return [{ path: file.path, line, message: `${name} is no dependency in ${workspace.file.path}` }];
      });
    });
  });
}

/** A workspace imports what it declares. */
export function dependenciesAreUsed(files: readonly TreeFile[]): Violation[] {
  return workspacesOf(files).flatMap(workspace => {
    const used = new Set(
      sourcesIn(workspace.folder, files).flatMap(file => importsOf(file).map(each => packageOf(each.specifier))),
    );
    return workspace.dependencies
      .filter(name => !used.has(name))
      .map(name => ({ path: workspace.file.path, line: lineNaming(workspace, name), message: `${name} is never imported` }));
  });
}

/** No file of a package imports itself over others; types count, since they bind two files as firmly. */
export function noImportCycles(files: readonly TreeFile[]): Violation[] {
  const sources = new Map(files.filter(file => isPackageSource(file.path)).map(file => [file.path, file]));
  const done = new Set<string>();
  const violations: Violation[] = [];

  const visit = (file: TreeFile, trail: readonly string[]): void => {
    if (done.has(file.path)) return;
    for (const { specifier, line } of importsOf(file)) {
      if (!isRelative(specifier)) continue;
      const target = sources.get(resolveRelative(file.path, specifier));
      if (target === undefined) continue;
      const from = trail.indexOf(target.path);
      if (from === -1) visit(target, [...trail, target.path]);
      else
        violations.push({ path: file.path, line, message: `closes a cycle: ${[...trail.slice(from), target.path].join(' → ')}` });
    }
    done.add(file.path);
  };
  for (const file of sources.values()) visit(file, [file.path]);
  return violations;
}
