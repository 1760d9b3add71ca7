import type { HostInfo } from '@lars/proto';
import { ADAPTIVE_DEFAULTS, type AdaptiveOptions, adaptiveBalancer } from '../../../agent/src/balancer/adaptive.ts';
import type { ExplainingBalancer, HostExplanation } from '../../../agent/src/balancer/balancer.ts';
import { World } from './world.ts';

/** A world around the adaptive algorithm, with what it tells people of its hosts. */
export class AdaptiveWorld extends World<ExplainingBalancer> {
  constructor(hosts: readonly HostInfo[], options: Partial<AdaptiveOptions> = {}) {
    super(adaptiveBalancer({ ...ADAPTIVE_DEFAULTS, ...options }), hosts);
  }

  /** Hosts made by host(n) have the port n. */
  explain(port: number): HostExplanation {
    const found = this.balancer.explain(this.nowMs).find(one => one.host.port === port);
    if (found === undefined) throw new Error(`no host with port ${port}`);
    return found;
  }

  state(port: number): string {
    return this.explain(port).state;
  }

  number(port: number, name: string): number {
    const number = this.explain(port).numbers[name];
    if (number === undefined) throw new Error(`nothing is known by the name of ${name}`);
    return number;
  }

  /** Each of these hosts answers so many calls, each after this time; the clock moves by 10 ms in a round. */
  answer(hosts: readonly HostInfo[], rounds: number, tookMs = 10): void {
    for (let i = 0; i < rounds; i++) {
      this.nowMs += 10;
      for (const host of hosts) this.succeed(host, 1, tookMs);
    }
  }

  /** What happened, without the numbers: [port, to, cause]. */
  happenings(): [number, string, string][] {
    return this.transitions.map(({ host, to, cause }) => [host.port, to, cause]);
  }
}
