import { isIP } from 'node:net';
import { type ConnectOptions, EngineError, type ListenOptions, type RelayOptions, type SocketOptions } from './engine.ts';

/** sun_path has 108 bytes, with a zero at the end. */
const PATH_BYTES_MAX = 107;
const PORT_MAX = 65_535;
export const MS_MAX = 2 ** 31 - 1;

export const DEFAULTS = {
  host: '127.0.0.1',
  backlog: 1_024,
  writeHighBytes: 65_536,
  writeLimitBytes: 67_108_864,
  connectTimeoutMs: 10_000,
} as const;

/** Addresses that were found right. Most connections go to few of them, and the regular expressions of isIP take longer than all the rest of the check. */
const checked = new Set<string>();
const CHECKED_MAX = 1_000;

/** Where a socket is bound or connected to. */
export type Endpoint =
  | { readonly kind: 'inet'; readonly host: string; readonly port: number }
  | { readonly kind: 'path'; readonly path: string };

export type ListenPlace = Endpoint | { readonly kind: 'fd'; readonly fd: number };

/** @throws {EngineError} BAD_OPTION, naming the option */
export function listenPlace(options: ListenOptions): ListenPlace {
  checkSocketOptions(options);
  checkWhole('backlog', options.backlog, 1, PORT_MAX);
  const named = [options.port, options.path, options.fd].filter(one => one !== undefined).length;
  if (named !== 1) throw bad('listen wants one of port, path and fd');
  if (options.fd !== undefined) {
    checkWhole('fd', options.fd, 0, MS_MAX);
    return { kind: 'fd', fd: options.fd };
  }
  return endpoint(options.path, options.host ?? DEFAULTS.host, options.port ?? 0);
}

/** @throws {EngineError} BAD_OPTION, naming the option */
export function connectTarget(options: ConnectOptions): Endpoint {
  checkSocketOptions(options);
  checkMs('timeoutMs', options.timeoutMs);
  if (options.localHost !== undefined) checkHost('localHost', options.localHost);
  if ((options.path === undefined) === (options.port === undefined)) throw bad('connect wants either host and port, or path');
  if (options.path === undefined) checkWhole('port', options.port, 1, PORT_MAX);
  return endpoint(options.path, options.host ?? DEFAULTS.host, options.port ?? 0);
}

export function checkSocketOptions(options: SocketOptions): void {
  checkWhole('writeHighBytes', options.writeHighBytes, 1, Number.MAX_SAFE_INTEGER);
  checkWhole('writeLimitBytes', options.writeLimitBytes, 0, Number.MAX_SAFE_INTEGER);
  checkMs('keepAliveMs', options.keepAliveMs);
}

/** How many bytes may be unsent; 0 stands for any number. */
export function writeLimitOf({ writeLimitBytes = DEFAULTS.writeLimitBytes }: SocketOptions): number {
  return writeLimitBytes === 0 ? Number.POSITIVE_INFINITY : writeLimitBytes;
}

export function checkRelayOptions(options: RelayOptions): void {
  checkMs('idleTimeoutMs', options.idleTimeoutMs);
  checkMs('halfCloseTimeoutMs', options.halfCloseTimeoutMs);
}

/** A string would be taken for a list of numbers, and leave as zeros. @throws {TypeError} */
export function checkBytes(bytes: unknown): void {
  if (typeof bytes === 'string') throw new TypeError('write wants bytes, a Uint8Array, and got a string');
}

export function checkMs(name: string, value: number | undefined): void {
  if (value === undefined || (value >= 0 && value <= MS_MAX)) return;
  throw bad(`${name} is ${value}, and must be from 0 to ${MS_MAX}`);
}

function endpoint(path: string | undefined, host: string, port: number): Endpoint {
  if (path === undefined) {
    checkHost('host', host);
    checkWhole('port', port, 0, PORT_MAX);
    return { kind: 'inet', host, port };
  }
  const bytes = Buffer.byteLength(path);
  if (bytes === 0 || bytes > PATH_BYTES_MAX || path.includes('\0')) {
    throw bad(`path has ${bytes} bytes, and must have from 1 to ${PATH_BYTES_MAX}, none of them zero`);
  }
  return { kind: 'path', path };
}

function checkHost(name: string, host: string): void {
  if (checked.has(host)) return;
  if (isIP(host) === 0 || host.includes('%')) throw bad(`${name} '${host.slice(0, 60)}' is no IP address`);
  if (checked.size === CHECKED_MAX) checked.clear();
  checked.add(host);
}

export function checkWhole(name: string, value: number | undefined, min: number, max: number, isNeeded = false): void {
  if ((value === undefined && !isNeeded) || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max)) return;
  throw bad(`${name} is ${typeof value === 'string' ? `'${value}'` : value}, and must be a whole number from ${min} to ${max}`);
}

function bad(message: string): EngineError {
  return new EngineError('BAD_OPTION', message);
}
