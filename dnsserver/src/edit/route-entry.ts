// pure
/** One host of one module as people write it, the checks that it must pass before it is written into the database, and their error. */
import { type HostAddress, isInt32, LarsProtocolError, type ModuleId, parseHost } from '@lars/proto';
import { isWeight, isZone, MAX_WEIGHT, MAX_ZONE_LENGTH } from '../follow/parse-rows.ts';

/** A host to be added. A field that is left out keeps its value where the host exists already. */
export interface HostEntry {
  /** '10.0.0.5:80', '[2001:db8::1]:80' or 'db.example:80' */
  readonly host: string;
  /** 0..1,000,000; 0 is the default weight. */
  readonly weight?: number | undefined;
  readonly zone?: string | undefined;
  /** The host gets no new calls. */
  readonly drain?: boolean | undefined;
}

export interface RouteEntry extends ModuleId, HostEntry {
  /** The line of the file that the entry comes from; counted from 1. */
  readonly line?: number | undefined;
}

/** A RouteEntry that has been checked. */
export interface CheckedEntry extends ModuleId {
  readonly address: HostAddress;
  readonly weight: number | undefined;
  readonly zone: string | undefined;
  readonly drain: boolean | undefined;
  readonly line: number | undefined;
}

/** @throws {RouteError} naming the field and the line */
export function checkEntry({ modid, cmdid, host, weight, zone, drain, line }: RouteEntry): CheckedEntry {
  checkModule(modid, cmdid, line);
  const address = checkHost(host, line);
  if (weight !== undefined && !isWeight(weight))
    throw new RouteError('BAD_WEIGHT', `weight ${show(weight)} is not a whole number in 0..${MAX_WEIGHT}`, line);
  if (zone !== undefined && !isZone(zone)) {
    const rule = `one line of at most ${MAX_ZONE_LENGTH} characters without space around it`;
    throw new RouteError('BAD_ZONE', `zone ${show(zone)} is not ${rule}`, line);
  }
  if (drain !== undefined && typeof drain !== 'boolean')
    throw new RouteError('BAD_DRAIN', `drain ${show(drain)} is neither true nor false`, line);
  return { modid, cmdid, address, weight, zone, drain, line };
}

/** In the database 0 is the usual weight, and whoever writes it means the opposite. @throws {RouteError} BAD_WEIGHT */
export function refuseWeightZero(weight: unknown, line?: number): void {
  if (weight !== 0) return;
  const hint = 'a host without calls is one that drains, and the usual weight needs no number';
  throw new RouteError('BAD_WEIGHT', `weight 0 is not a whole number in 1..${MAX_WEIGHT}; ${hint}`, line);
}

/** @throws {RouteError} naming the field and the line */
export function checkModule(modid: number, cmdid: number, line?: number): void {
  if (!isInt32(modid)) throw new RouteError('BAD_MODID', `modid ${show(modid)} is not an int32`, line);
  if (!isInt32(cmdid)) throw new RouteError('BAD_CMDID', `cmdid ${show(cmdid)} is not an int32`, line);
}

/** @throws {RouteError} naming the part that is wrong, and the line */
export function checkHost(host: string, line?: number): HostAddress {
  try {
    return parseHost(host);
  } catch (error) {
    if (!(error instanceof LarsProtocolError)) throw error;
    throw new RouteError('BAD_HOST', error.message, line, { cause: error });
  }
}

const SHOWN_LENGTH = 80;

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, SHOWN_LENGTH)}'` : String(value);
}

/** What can be wrong with routes that somebody wants to write. The codes are stable. */
export type RouteErrorCode =
  | 'BAD_MODID'
  | 'BAD_CMDID'
  | 'BAD_HOST'
  | 'BAD_WEIGHT'
  | 'BAD_ZONE'
  | 'BAD_DRAIN'
  | 'BAD_FORMAT'
  | 'CONFLICT'
  | 'NO_SUCH_HOST'
  | 'NOTHING_KEPT'
  | 'NO_SUCH_REVISION'
  | 'NO_HISTORY'
  | 'CHANGED_SINCE';

/** The message is one line that names the field and, where the routes come from a file, the line, and the column where it is known. */
export class RouteError extends Error {
  override readonly name = 'RouteError';
  readonly code: RouteErrorCode;
  readonly line: number | undefined;

  constructor(code: RouteErrorCode, why: string, line?: number, options: ErrorOptions & { readonly column?: number } = {}) {
    const column = options.column === undefined ? '' : `, column ${options.column}`;
    super(line === undefined ? why : `line ${line}${column}: ${why}`, options);
    this.code = code;
    this.line = line;
  }
}
