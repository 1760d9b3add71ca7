// pure
import { Feature, type HostInfo } from './messages.ts';

type Demands = Pick<HostInfo, 'addr' | 'drain'>;

/** The Feature bits that a receiver must have set to be sent the host. */
export function neededFeatures({ addr, drain }: Demands): number {
  return (addr === '' ? 0 : Feature.HostAddr) | (drain ? Feature.Drain : 0);
}

/** May a receiver with these features be sent the host? Others would misread it: call a host without an address, or one that drains. */
export function isUnderstood(host: Demands, features: number): boolean {
  return (neededFeatures(host) & ~features) === 0;
}
