import { posix } from 'node:path';
import { importsOf, isRelative, resolveRelative, sourceOf, workspacesOf } from './imports.ts';
import { isPackageSource, type TreeFile, type Violation } from './source-tree.ts';

/** Folders that a newcomer enters, each with a guide: what it is for, what to read first, who may import it, how to try it alone. */
const ROOMS = [
  'proto',
  'proto/src/in-place',
  'syscalls',
  'runtime',
  'runtime/src/config',
  'runtime/src/http',
  'runtime/src/security',
  'runtime/src/sql',
  'runtime/src/tcp',
  'runtime/src/threads',
  'runtime/src/transport',
  'runtime/src/udp',
  'reactor',
  'reactor/src/descriptors',
  'reactor/src/server',
  'reactor/src/native',
  'reactor/src/uring',
  'agent',
  'agent/src/balancer',
  'agent/src/dns',
  'agent/src/report',
  'agent/src/balancer/adaptive',
  'agent/src/balancer/classic',
  'agent/src/shard',
  'agent/src/threads',
  'agent/src/udp',
  'dnsserver',
  'dnsserver/src/edit',
  'dnsserver/src/follow',
  'dnsserver/src/history',
  'dnsserver/src/serve',
  'dnsserver/src/store',
  'reporter',
  'reporter/src/history',
  'reporter/src/ingest',
  'reporter/src/queue',
  'reporter/src/store',
  'dispatch',
  'dispatcher',
  'client-sdk',
  'client-sdk/src',
  'client-sdk/src/cache',
  'client-sdk/src/link',
  'client-sdk/src/testing',
  'client-sdk/src/http',
  'client-sdk/src/module-requests',
  'client-sdk/src/undici',
  'client-sdk/src/util',
  'cli',
  'proxy',
  'python',
  'examples',
  'scripts',
  'bench',
  'test',
] as const;

/** Rooms whose guide is not written yet; those inside of them are meant too. */
const NO_README_YET: readonly string[] = [];

/** Each room that is there has a README.md. */
export function roomsHaveReadmes(files: readonly TreeFile[]): Violation[] {
  const paths = files.map(({ path }) => path);
  return ROOMS.filter(room => !NO_README_YET.some(exempt => room === exempt || room.startsWith(`${exempt}/`)))
    .filter(room => paths.some(path => path.startsWith(`${room}/`)) && !paths.includes(`${room}/README.md`))
    .map(room => ({ path: `${room}/README.md`, line: 1, message: 'the room has no README.md' }));
}

/** Where a room inside of a package's src has an index.ts, the package's other files import that alone. */
export function roomsAreEnteredByTheirIndex(files: readonly TreeFile[]): Violation[] {
  const sources = files.filter(({ path }) => isPackageSource(path));
  const workspaces = workspacesOf(files);
  const rooms = sources.filter(({ path }) => /^[^/]+\/src\/.+\/index\.ts$/.test(path)).map(({ path }) => posix.dirname(path));
  return sources.flatMap(file =>
    importsOf(file).flatMap(({ specifier, line }): Violation[] => {
      const target = isRelative(specifier) ? resolveRelative(file.path, specifier) : (sourceOf(specifier, workspaces) ?? '');
      const isInside = (room: string, path: string) => path.startsWith(`${room}/`);
      const room = rooms.find(one => isInside(one, target) && !isInside(one, file.path) && target !== `${one}/index.ts`);
      return room === undefined ? [] : [{ path: file.path, line, message: `'${specifier}' passes by ${room}/index.ts` }];
    }),
  );
}
