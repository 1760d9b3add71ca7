// pure
import { type HostInfo, isCallable } from '@lars/proto';

const MAX_ZONE_LENGTH = 255;
const ADDR = /^[\x21-\x7e]{0,253}$/;

/**
 * May the host be called, and sent on to callers and to the reporter? An address or zone without bounds would not fit the datagrams and
 * frames that carry it.
 */
export function isUsableHost(host: HostInfo): boolean {
  return isCallable(host) && ADDR.test(host.addr) && host.zone.length <= MAX_ZONE_LENGTH;
}
