// pure
import { type HostAddress, type HostInfo, LarsProtocolError, parseHost, type ReportRequest } from '@lars/proto';
import { LarsHost } from './lars-host.ts';
import { badArgument, checkModule, checkObject, unknownKey } from './validation.ts';

/** The host that was called: what getHost returned, or the same four fields from elsewhere. */
export interface ReportTarget {
  readonly modid: number;
  readonly cmdid: number;
  /** An IP address (IPv6 without brackets) or a DNS name. */
  readonly host: string;
  readonly port: number;
}

/** How a call went. */
export interface CallResult {
  readonly ok: boolean;
  /** How long the call took, milliseconds. It is sent as whole milliseconds, at least 1. */
  readonly tcostMs?: number | undefined;
}

const RESULT_KEYS = ['ok', 'tcostMs'] as const satisfies readonly (keyof CallResult)[];
const RETCODE_FAILED = 1;
const MAX_TCOST_MS = 2 ** 32 - 1;

/** @throws {LarsError} LARS_BAD_ARGUMENT naming what is wrong */
export function makeReport(target: ReportTarget, result: CallResult): ReportRequest & { readonly host: HostInfo } {
  checkObject('host', target);
  const { modid, cmdid } = target;
  checkModule(modid, cmdid);
  const tcost = checkResult(result);
  const { ip, port, addr } = addressOf(target);
  return {
    modid,
    cmdid,
    host: { ip, port, weight: 0, addr, zone: '', drain: false },
    retcode: result.ok ? 0 : RETCODE_FAILED,
    tcost,
  };
}

/**
 * @returns the duration as it is sent, whole milliseconds; 0 where the caller did not time the call
 * @throws {LarsError} LARS_BAD_ARGUMENT naming what is wrong
 */
export function checkResult(result: CallResult): number {
  checkObject('result', result);
  // Written out, because every call comes here: a search in a list costs as much as the pick of its host.
  for (const key in result) if (key !== 'ok' && key !== 'tcostMs') throw unknownKey('result', key, RESULT_KEYS);
  const { ok, tcostMs } = result;
  if (typeof ok !== 'boolean') throw badArgument('result.ok', 'true or false', ok);
  return wholeMs(tcostMs);
}

function addressOf(target: ReportTarget): HostAddress {
  if (target instanceof LarsHost) return target.address;
  const { host, port } = target;
  if (typeof host !== 'string') throw badArgument('host', 'a host with modid, cmdid, host and port', host);
  return readAddress(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

/** @throws {LarsError} LARS_BAD_ARGUMENT where the text is no host and port */
export function readAddress(authority: string): HostAddress {
  try {
    return parseHost(authority);
  } catch (cause) {
    if (!(cause instanceof LarsProtocolError)) throw cause;
    throw badArgument('host', 'an address and a port', authority, cause);
  }
}

/** On the wire 0 means that the caller did not time the call, so that a timed one is at least 1. */
function wholeMs(tcostMs: number | undefined): number {
  if (tcostMs === undefined) return 0;
  if (typeof tcostMs !== 'number' || !(tcostMs >= 0)) throw badArgument('result.tcostMs', 'a number of milliseconds', tcostMs);
  return Math.min(MAX_TCOST_MS, Math.max(1, Math.round(tcostMs)));
}
