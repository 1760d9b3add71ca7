// pure
/** The hosts of a scenario while its timeline changes them. The same for every algorithm: nothing here depends on calls. */
import type { Agenda } from './agenda.ts';
import type { Change, Scenario } from './scenario.ts';
import { SimHost } from './sim-host.ts';

/** What counts as broken: so many more points of errors than the best host of the route has, ... */
const BROKEN_ERROR_RATE = 0.15;
/** ... or so many times its ordinary time in service, and that of the host of the route that is slowed down least. */
const BROKEN_SLOWNESS = 3;

export class World {
  readonly hosts: readonly SimHost[];

  /** Puts the scenario's changes on the agenda. `onRouteChange` is called after the route has other hosts than before. */
  constructor(scenario: Scenario, agenda: Agenda, onRouteChange: () => void = () => undefined) {
    this.hosts = scenario.hosts.map((spec, index) => new SimHost(index, spec, agenda));
    for (const change of scenario.timeline) {
      agenda.at(change.atMs, () => {
        this.#apply(change, agenda.nowMs);
        if (change.inRoute !== undefined) onRouteChange();
      });
    }
  }

  get route(): SimHost[] {
    return this.hosts.filter(host => host.inRoute);
  }

  /** Broken means: calling another host would be clearly better. Errors and slowness that all hosts share break none of them. */
  isBroken(host: SimHost, nowMs: number): boolean {
    if (!host.isUp) return true;
    const slowness = host.slownessAt(nowMs);
    if (slowness >= BROKEN_SLOWNESS && slowness >= BROKEN_SLOWNESS * this.#least(other => other.slownessAt(nowMs))) return true;
    const errorRate = host.errorRateAt(nowMs);
    return errorRate >= BROKEN_ERROR_RATE && errorRate >= BROKEN_ERROR_RATE + this.#least(other => other.errorRateAt(nowMs));
  }

  #least(of: (host: SimHost) => number): number {
    return Math.min(...this.route.filter(other => other.isUp).map(of));
  }

  #apply(change: Change, nowMs: number): void {
    for (const index of change.hosts) {
      const host = this.hosts[index];
      if (host === undefined) throw new RangeError(`a change at ${change.atMs} ms names host ${index} of ${this.hosts.length}`);
      if (change.condition !== undefined) host.change(change.condition, nowMs);
      if (change.inRoute !== undefined) host.inRoute = change.inRoute;
    }
  }
}
