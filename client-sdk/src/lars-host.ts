// pure
import { DEFAULT_WEIGHT, formatHost, formatHostName, type HostAddress, type HostInfo, isPort } from '@lars/proto';
import type { HostStats } from './cache/host-stats.ts';

/**
 * A host of a module: where to call, and what `report` needs to know. As text it is its authority, so that
 * `http://${host}/path` is right for IPv4, IPv6 and names.
 */
export class LarsHost {
  readonly modid: number;
  readonly cmdid: number;
  /** Without the port, and IPv6 without brackets: what `connect({ host, port })` of net, tls and http takes. */
  readonly host: string;
  readonly port: number;
  /** Relative capacity; 100 where the route says nothing. */
  readonly weight: number;
  /** Where the host stands; empty when nobody said. */
  readonly zone: string;
  /** The host is being taken out of service: getRoute still names it, getHost answers others. */
  readonly drain: boolean;
  /** The address in the form of the wire. */
  readonly address: HostAddress;
  /** What the client that picked it knows of it; undefined where it keeps no copy of the route. */
  #stats: HostStats | undefined;
  readonly #fromCopy: boolean;
  #isOfAgent = false;

  /** @param stats for hosts that are picked from a copy of the route */
  constructor(modid: number, cmdid: number, info: HostInfo, stats?: HostStats) {
    this.modid = modid;
    this.cmdid = cmdid;
    this.host = formatHostName(info);
    this.port = info.port;
    this.weight = info.weight === 0 ? DEFAULT_WEIGHT : info.weight;
    this.zone = info.zone;
    this.drain = info.drain;
    this.address = { ip: info.ip, port: info.port, addr: info.addr };
    this.#stats = stats;
    this.#fromCopy = stats !== undefined;
  }

  /** The host that the agent picked for a call: it waits for the report. */
  static ofAgent(modid: number, cmdid: number, info: HostInfo): LarsHost {
    const host = new LarsHost(modid, cmdid, info);
    host.#isOfAgent = true;
    return host;
  }

  static isOfAgent(host: unknown): boolean {
    return host instanceof LarsHost && host.#isOfAgent;
  }

  /** For hosts that the agent picked. */
  static remember(host: LarsHost, stats: HostStats): void {
    host.#stats = stats;
  }

  /** What is remembered of a host that was picked, wherever; undefined for all else. */
  static statsOf(host: unknown): HostStats | undefined {
    return host instanceof LarsHost ? host.#stats : undefined;
  }

  /** The same, but for hosts only that were picked from a copy of the route. */
  static copiedCellOf(host: unknown): HostStats | undefined {
    return host instanceof LarsHost && host.#fromCopy ? host.#stats : undefined;
  }

  /** '10.0.0.5:80', '[2001:db8::1]:80', 'db.example:80' */
  get authority(): string {
    return formatHost(this.address);
  }

  toString(): string {
    return this.authority;
  }
}

/** Whether a host from the wire says where to call. */
export function isCallable(info: HostInfo): boolean {
  return isPort(info.port) && (info.ip !== 0 || info.addr !== '');
}
