import { type HostInfo, hostKey } from '@lars/proto';
import type { Balancer, BalancerFactory, HostCounts, Transition } from '../../../agent/src/balancer/balancer.ts';

/** A small world around one balancer: named hosts, a clock that is moved by hand, and all transitions. */
export class World<B extends Balancer = Balancer> {
  readonly balancer: B;
  readonly transitions: Transition[] = [];
  nowMs = 1_000;

  constructor(factory: BalancerFactory<B>, hosts: readonly HostInfo[] = []) {
    this.balancer = factory({ random: seededRandom(1), onTransition: transition => this.transitions.push(transition) });
    this.setHosts(hosts);
  }

  setHosts(hosts: readonly HostInfo[]): void {
    this.balancer.setHosts(hosts, this.nowMs);
  }

  succeed(host: HostInfo, times = 1, tcostMs?: number): void {
    for (let i = 0; i < times; i++) this.balancer.report(hostKey(host), true, tcostMs, this.nowMs);
  }

  fail(host: HostInfo, times = 1, tcostMs?: number): void {
    for (let i = 0; i < times; i++) this.balancer.report(hostKey(host), false, tcostMs, this.nowMs);
  }

  pick(): HostInfo | undefined {
    return this.balancer.pick(this.nowMs);
  }

  /** The ports of the next picks; 0 stands for OVERLOAD. Hosts made by host(n) have the port n. */
  picks(count: number): number[] {
    return Array.from({ length: count }, () => this.pick()?.port ?? 0);
  }

  isOverloaded(host: HostInfo): boolean {
    return [...this.balancer.hosts()].some(view => hostKey(view.host) === hostKey(host) && view.isEjected);
  }

  /** How many failures in a row it takes to overload the idle host; it is overloaded then. */
  failuresUntilOverloaded(host: HostInfo, atMost = 1_000): number {
    for (let failures = 1; failures <= atMost; failures++) {
      this.fail(host);
      if (this.isOverloaded(host)) return failures;
    }
    throw new Error(`${atMost} failures did not overload the host`);
  }

  successesUntilIdle(host: HostInfo, atMost = 1_000): number {
    for (let successes = 1; successes <= atMost; successes++) {
      this.succeed(host);
      if (!this.isOverloaded(host)) return successes;
    }
    throw new Error(`${atMost} successes did not make the host idle`);
  }

  takeCounts(): Map<number, HostCounts> {
    const taken = new Map<number, HostCounts>();
    this.balancer.takeCounts((host, _overloaded, counts) => taken.set(host.port, counts));
    return taken;
  }
}

/** Host number n: 10.0.0.1 with port n. */
export function host(n: number, details: Partial<HostInfo> = {}): HostInfo {
  return { ip: 0x0a00_0001, port: n, weight: 0, addr: '', zone: '', drain: false, ...details };
}

export function hostsUpTo(count: number): HostInfo[] {
  return Array.from({ length: count }, (_, i) => host(i + 1));
}

/** Mulberry32: the same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
