// pure
import { Feature, type HostInfo } from './messages.ts';

type Demands = Pick<HostInfo, 'addr' | 'drain'>;

/** The Feature bits that a peer must have set to be told of the host. */
export function neededFeatures({ addr, drain }: Demands): number {
  return (addr === '' ? 0 : Feature.HostAddr) | (drain ? Feature.Drain : 0);
}

/** May a peer with these features be told of the host? Others would misread it: call a host without an address, or one that drains. */
export function isUnderstood(host: Demands, features: number): boolean {
  return (neededFeatures(host) & ~features) === 0;
}
