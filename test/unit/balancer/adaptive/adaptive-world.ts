import { type HostInfo, hostKey } from '@lars/proto';
import { ADAPTIVE_DEFAULTS, type AdaptiveOptions, adaptiveBalancer } from '../../../../agent/src/balancer/adaptive/adaptive.ts';
import type { HostExplanation, ModuleBalancer, ModuleConduct } from '../../../../agent/src/balancer/balancer.ts';
import { host, World } from '../world.ts';

/** A world around the adaptive algorithm, with what it tells people of its hosts. */
export class AdaptiveWorld extends World<ModuleBalancer> {
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

  conduct(): ModuleConduct {
    const conduct = this.balancer.explainModule(this.nowMs);
    if (conduct === undefined) throw new Error('nothing is told of the module');
    return conduct;
  }

  /** Calls of callers with a copy of the route, so that no pick goes before them (AD-21). */
  tell(one: HostInfo, ok: boolean, tookMs: number | undefined, times = 1): void {
    for (let i = 0; i < times; i++) this.balancer.report(hostKey(one), ok, tookMs, this.nowMs, false);
  }

  /** Each of these hosts answers so many calls of such callers, one in so much time: hardly a busy module, unless it is little. */
  answer(hosts: readonly HostInfo[], rounds: number, tookMs = 10, everyMs = 1_000): void {
    for (let i = 0; i < rounds; i++) {
      this.nowMs += everyMs;
      for (const one of hosts) this.tell(one, true, tookMs);
    }
  }

  /** Calls one after the other; none of them is ever in flight while the next is picked. Returns how many each port got, 0 = refused. */
  callInTurn(count: number, tookMs: (port: number) => number, everyMs?: number): Map<number, number> {
    const calls = new Map<number, number>();
    for (let i = 0; i < count; i++) {
      const port = this.pick()?.port ?? 0;
      calls.set(port, (calls.get(port) ?? 0) + 1);
      this.nowMs += everyMs ?? tookMs(port);
      if (port !== 0) this.succeed(host(port), 1, tookMs(port));
    }
    return calls;
  }

  /** Who was ejected, in order. */
  ejections(): number[] {
    return this.transitions.filter(({ to }) => to === 'ejected').map(one => one.host.port);
  }

  /** What happened, without the numbers: [port, to, cause]. */
  happenings(): [number, string, string][] {
    return this.transitions.map(({ host, to, cause }) => [host.port, to, cause]);
  }
}
