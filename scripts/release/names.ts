// pure
/** What everything that is released is called, decided here and nowhere else. */

/** The scope in which the workspaces are published; inside of the project they are always `@lars/…`. */
export const NPM_SCOPE = '@lars';

const WORKSPACE_SCOPE = '@lars';

/** Workspaces that are published under a name of their own; all others keep theirs, in NPM_SCOPE. */
const OWN_NAMES: Readonly<Record<string, string>> = { '@lars/cli': 'lars' };

/** The package of the .deb. The user and the folders are called lars in any case: packaging/ and systemd-units.ts name them. */
export const DEB_NAME = 'lars';

/** Who answers for the packages, as Debian wants to know it. */
export const MAINTAINER = 'The LARS authors <lars@localhost>';

/** From the name of a workspace to the one that it is published under. */
export type NamePolicy = (workspace: string) => string;

export function publishedName(workspace: string, scope = NPM_SCOPE): string {
  return OWN_NAMES[workspace] ?? workspace.replace(WORKSPACE_SCOPE, scope);
}

/** The text, of whatever kind, with the published names in place of the workspaces'. */
export function withPublishedNames(text: string, workspaces: readonly string[], nameOf: NamePolicy = publishedName): string {
  const renamed = workspaces.filter(name => nameOf(name) !== name);
  return renamed.reduce((done, name) => done.replaceAll(new RegExp(`${name}(?![\\w-])`, 'g'), nameOf(name)), text);
}

/** The file that npm makes of a package: '@lars/proto' 0.1.0 is lars-proto-0.1.0.tgz. */
export function tarballName(published: string, version: string): string {
  return `${published.replace('@', '').replace('/', '-')}-${version}.tgz`;
}
