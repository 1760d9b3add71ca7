// pure
/**
 * Routes as a document, in the one shape in which commands print them: {routes: [{modid, cmdid, hosts: [{host, port, weight, zone, drain}]}]}. A host
 * may also be a text HOST:PORT, and a route or a host with its module may stand alone. What a command prints beside that is passed over.
 */
import { suggest } from '@lars/proto/suggestion';
import { checkEntry, type RouteEntry, RouteError, type RouteErrorCode, refuseWeightZero } from './route-entry.ts';

/** Where in the document something stands: keys of objects and places in arrays. */
export type DocumentPath = readonly (string | number)[];

/** What is wrong, and where; whoever has the text knows the line. */
export class DocumentError extends Error {
  readonly code: RouteErrorCode;
  readonly path: DocumentPath;

  constructor(code: RouteErrorCode, message: string, path: DocumentPath, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.path = path;
  }
}

const MODULE_KEYS = ['modid', 'cmdid'];
const HOST_KEYS = ['host', 'port', 'weight', 'zone', 'drain'];
/** What lars getroute prints of a route beside its hosts. */
const PASSED_OVER = ['version', 'overload'];

/** @throws {DocumentError} where the document has another shape, a value that cannot be, or a host of a module twice */
export function entriesOfDocument(document: unknown): readonly RouteEntry[] {
  const entries: RouteEntry[] = [];
  const seen = new Set<string>();
  const add = (entry: RouteEntry, path: DocumentPath) => {
    const key = `${entry.modid}/${entry.cmdid} ${entry.host}`;
    if (seen.has(key))
      throw new DocumentError('CONFLICT', `host ${entry.host} of module ${entry.modid}/${entry.cmdid} is there twice`, path);
    seen.add(key);
    entries.push(entry);
  };
  if (Array.isArray(document)) readItems(document, [], add);
  else if (isObject(document) && 'routes' in document) {
    checkKeys(document, ['routes', '$schema'], []);
    if (!Array.isArray(document['routes'])) throw wrongShape('routes is not a list', ['routes']);
    readItems(document['routes'], ['routes'], add);
  } else if (isObject(document) && 'modid' in document) readItem(document, [], add);
  else if (isObject(document)) throw new DocumentError('BAD_FORMAT', 'there is no list routes', firstKey(document));
  else throw wrongShape('expected an object with a list routes', []);
  return entries;
}

type Add = (entry: RouteEntry, path: DocumentPath) => void;

function readItems(items: readonly unknown[], path: DocumentPath, add: Add): void {
  for (const [at, item] of items.entries()) readItem(item, [...path, at], add);
}

function readItem(item: unknown, path: DocumentPath, add: Add): void {
  if (!isObject(item)) throw wrongShape('expected a route {modid, cmdid, hosts}', path);
  if (!('hosts' in item)) {
    checkKeys(item, [...MODULE_KEYS, ...HOST_KEYS], path);
    add(entryOf(item, item, path, path), path);
    return;
  }
  checkKeys(item, [...MODULE_KEYS, 'hosts', ...PASSED_OVER], path);
  const { hosts } = item;
  if (!Array.isArray(hosts)) throw wrongShape('hosts is not a list', [...path, 'hosts']);
  for (const [at, host] of hosts.entries()) {
    const hostPath = [...path, 'hosts', at];
    if (isObject(host)) checkKeys(host, HOST_KEYS, hostPath);
    add(entryOf(item, isObject(host) ? host : { host }, path, hostPath), hostPath);
  }
}

function entryOf(module: Fields, fields: Fields, modulePath: DocumentPath, path: DocumentPath): RouteEntry {
  const { host, port, weight, zone, drain } = fields;
  const { modid, cmdid } = module;
  if (typeof host !== 'string')
    throw new DocumentError('BAD_HOST', `host ${JSON.stringify(host)} is not a text`, [...path, 'host']);
  const entry = { modid, cmdid, host: withPort(host, port), weight, zone, drain } as RouteEntry;
  try {
    checkEntry(entry);
    refuseWeightZero(weight);
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    const field = FIELD_OF[error.code];
    const where = field !== undefined && MODULE_KEYS.includes(field) ? modulePath : path;
    throw new DocumentError(error.code, error.message, field === undefined ? where : [...where, field], { cause: error });
  }
  return entry;
}

const FIELD_OF: Readonly<Partial<Record<RouteErrorCode, string>>> = {
  BAD_MODID: 'modid',
  BAD_CMDID: 'cmdid',
  BAD_HOST: 'host',
  BAD_WEIGHT: 'weight',
  BAD_ZONE: 'zone',
  BAD_DRAIN: 'drain',
};

function withPort(host: string, port: unknown): string {
  if (port === undefined) return host;
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkKeys(object: Fields, known: readonly string[], path: DocumentPath): void {
  const unknown = Object.keys(object).find(key => !known.includes(key));
  if (unknown !== undefined)
    throw new DocumentError('BAD_FORMAT', `key '${unknown.slice(0, 80)}' is not known; ${suggest(unknown, known)}`, [
      ...path,
      unknown,
    ]);
}

function firstKey(document: Fields): DocumentPath {
  return Object.keys(document).slice(0, 1);
}

function wrongShape(what: string, path: DocumentPath): DocumentError {
  return new DocumentError('BAD_FORMAT', what, path);
}
