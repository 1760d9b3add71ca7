// pure
import { countedWeight, formatHost, formatHostName, type HostAddress, type HostInfo } from '@lars/proto';

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
  /** Where the host stands; empty where the route says nothing. */
  readonly zone: string;
  /** The host is being taken out of service: getRoute still names it, getHost answers others. */
  readonly drain: boolean;
  /** The address in the form of the wire. */
  readonly address: HostAddress;

  constructor(modid: number, cmdid: number, info: HostInfo) {
    this.modid = modid;
    this.cmdid = cmdid;
    this.host = formatHostName(info);
    this.port = info.port;
    this.weight = countedWeight(info.weight);
    this.zone = info.zone;
    this.drain = info.drain;
    this.address = { ip: info.ip, port: info.port, addr: info.addr };
  }

  /** '10.0.0.5:80', '[2001:db8::1]:80', 'db.example:80' */
  get authority(): string {
    return formatHost(this.address);
  }

  toString(): string {
    return this.authority;
  }
}
