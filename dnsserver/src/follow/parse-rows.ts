// pure
/**
 * One row of RouteData, as any client may have written it, to a host. The deployed columns are unsigned: a module id of
 * 4294967295 is -1, and serverip is the unsigned form of what the wire carries signed.
 */
import { type HostInfo, INT32_MAX, INT32_MIN, isPort, parseHost } from '@lars/proto';
import { isWeight, isZone } from './route-limits.ts';

/** SQLite puts any value into any column, so nothing is known of them yet. */
export interface RouteRow {
  readonly id: unknown;
  readonly modid: unknown;
  readonly cmdid: unknown;
  readonly serverip: unknown;
  readonly serverport: unknown;
  readonly weight: unknown;
  readonly addr: unknown;
  readonly zone: unknown;
  readonly drain: unknown;
}

export type ParsedRow =
  | { readonly ok: true; readonly modid: number; readonly cmdid: number; readonly host: HostInfo }
  | { readonly ok: false; readonly reason: string };

const UINT32_SPAN = 2 ** 32;

export function parseRow(row: RouteRow): ParsedRow {
  const modid = toInt32(row.modid);
  if (modid === undefined) return bad('modid', row.modid, 'is not an int32');
  const cmdid = toInt32(row.cmdid);
  if (cmdid === undefined) return bad('cmdid', row.cmdid, 'is not an int32');
  const { serverip, serverport, weight } = row;
  if (!isUint32(serverip)) return bad('serverip', serverip, 'is not an unsigned 32-bit number');
  if (typeof serverport !== 'number' || !isPort(serverport)) return bad('serverport', serverport, 'is not in 1..65535');
  if (weight !== null && !isWeight(weight)) return bad('weight', weight, 'is not a weight');
  const zone = row.zone ?? '';
  if (!isZone(zone)) return bad('zone', zone, 'is not a zone');
  const drain = toFlag(row.drain);
  if (drain === undefined) return bad('drain', row.drain, 'is neither 0 nor 1');
  const ip = serverip | 0;
  // A row with both is served by its number, as the deployed dnsservers over the same table serve it.
  if (ip !== 0) return { ok: true, modid, cmdid, host: { ip, port: serverport, weight: weight ?? 0, addr: '', zone, drain } };
  if (row.addr === null || row.addr === '') return { ok: false, reason: 'serverip is 0 and addr is empty' };
  const address = parseAddr(row.addr, serverport);
  if (address === undefined) return bad('addr', row.addr, 'is neither an IPv6 address nor a DNS name');
  return { ok: true, modid, cmdid, host: { ...address, port: serverport, weight: weight ?? 0, zone, drain } };
}

/** A module id from a signed or an unsigned column; undefined when it is neither. */
export function toInt32(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value)) return undefined;
  if (value < INT32_MIN || value >= UINT32_SPAN) return undefined;
  return value > INT32_MAX ? value - UINT32_SPAN : value;
}

/** The numbers under which a column may hold a module id: -1 also as 4294967295. */
export function columnForms(id: number): readonly number[] {
  return id < 0 ? [id, id + UINT32_SPAN] : [id];
}

/** A revision is a whole number that can be counted on exactly; 0 stands for everything else. */
export function usableRevision(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < UINT32_SPAN;
}

/** NULL is 0, as in the other columns that others may have added. */
function toFlag(value: unknown): boolean | undefined {
  return value === 1 ? true : value === 0 || value === null ? false : undefined;
}

function parseAddr(addr: unknown, port: number): Pick<HostInfo, 'ip' | 'addr'> | undefined {
  if (typeof addr !== 'string') return undefined;
  try {
    const host = parseHost(addr.includes(':') ? `[${addr}]:${port}` : `${addr}:${port}`);
    return { ip: host.ip, addr: host.addr };
  } catch {
    return undefined;
  }
}

const SHOWN_LENGTH = 40;

function bad(column: string, value: unknown, why: string): ParsedRow {
  const shown = typeof value === 'string' ? `'${value.slice(0, SHOWN_LENGTH)}'` : value === null ? 'NULL' : String(value);
  return { ok: false, reason: `${column} ${shown} ${why}` };
}
