// pure
import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Balancer, HostView } from '../../../agent/src/balancer/balancer.ts';

/** Every host in turn, whatever callers tell: what one gets without any load balancing. */
export class RoundRobin implements Balancer {
  readonly ejectedCount = 0;
  #byKey: ReadonlyMap<HostKey, HostInfo> = new Map();
  #turns: readonly HostInfo[] = [];
  #turn = 0;
  readonly #start: number;

  /** @param start 0..1: where in the route it begins. Agents that all began with the same host would call it in step. */
  constructor(start = 0) {
    this.#start = start;
  }

  get hostCount(): number {
    return this.#turns.length;
  }

  setHosts(hosts: readonly HostInfo[], _nowMs: number): void {
    const byKey = new Map<HostKey, HostInfo>();
    for (const host of hosts) if (!byKey.has(hostKey(host))) byKey.set(hostKey(host), host);
    this.#byKey = byKey;
    if (this.#turns.length === 0) this.#turn = Math.floor(this.#start * byKey.size);
    this.#turns = [...byKey.values()];
  }

  pick(_nowMs: number): HostInfo | undefined {
    this.#turn = (this.#turn + 1) % Math.max(1, this.#turns.length);
    return this.#turns[this.#turn];
  }

  report(key: HostKey, _ok: boolean, _tcostMs: number | undefined, _nowMs: number): boolean {
    return this.#byKey.has(key);
  }

  /** Nothing is counted. */
  takeCounts(): void {}

  *hosts(): IterableIterator<HostView> {
    for (const host of this.#turns) yield { host, isEjected: false };
  }
}
