// pure
import { type HostInfo, isPort } from '@lars/proto';

const MAX_ZONE_LENGTH = 255;
const ADDR = /^[\x21-\x7e]{0,253}$/;

/**
 * Can the host be called, and told to callers and to the reporter? An address or zone without bounds would not fit the datagrams
 * and frames that carry it on.
 */
export function isUsableHost({ ip, port, addr, zone }: HostInfo): boolean {
  return isPort(port) && (ip !== 0 || addr !== '') && ADDR.test(addr) && zone.length <= MAX_ZONE_LENGTH;
}
