// pure
import type { HostInfo } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import type { ModuleBalancerFactory } from '../balancer/algorithm.ts';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { RouteUpdate } from '../threads/messages.ts';
import type { HostGauges } from './host-gauges.ts';
import { ActiveModule, type ModuleTable, type OnTransition } from './module-table.ts';
import type { ModuleTotals } from './module-totals.ts';
import type { OldRoutes } from './old-routes.ts';
import type { ParkedRequest } from './parking.ts';
import type { ReportHandler } from './report.ts';
import type { RouteFetcher } from './route-fetcher.ts';
import type { TransitionLog } from './transition-log.ts';

const count = shardCounters.at;

export interface RouteUpdatesDeps {
  readonly modules: ModuleTable<ParkedRequest>;
  readonly fetcher: RouteFetcher;
  readonly reports: ReportHandler;
  readonly gauges: HostGauges;
  readonly oldRoutes: OldRoutes;
  readonly totals: ModuleTotals | undefined;
  readonly transitions: TransitionLog;
  readonly counters: SharedCounters<ShardCounter>;
  readonly newBalancer: ModuleBalancerFactory;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The requests waited for this update; a module of undefined does not exist. */
  readonly answerParked: (requests: readonly ParkedRequest[], module: ActiveModule | undefined, nowMs: number) => void;
}

/** Applies what dnsserver says of routes. */
export class RouteUpdates {
  readonly #deps: RouteUpdatesDeps;

  constructor(deps: RouteUpdatesDeps) {
    this.#deps = deps;
  }

  apply({ modid, cmdid, hosts, version, storedAtMs }: RouteUpdate, nowMs: number, unixMs: number): void {
    const { modules, fetcher, reports, gauges, oldRoutes, totals, counters, newBalancer, random, answerParked } = this.#deps;
    const known = modules.findActive(modid, cmdid);
    // An old route is better than none, and worse than any other.
    if (storedAtMs !== undefined && known !== undefined) return;
    counters.add(count.routeChanges);
    if (known !== undefined) {
      oldRoutes.remove(known);
      // The results of hosts that leave the route go to the reporter before the balancer forgets them.
      reports.flush(known, nowMs, unixMs);
      gauges.addHosts(-known.balancer.hostCount);
    }
    if (hosts.length === 0) {
      if (known !== undefined) {
        gauges.dropModule(known);
        totals?.drop(known);
      }
      answerParked(modules.markAbsent(modid, cmdid, nowMs), undefined, nowMs);
      return;
    }
    const module = known ?? new ActiveModule({ modid, cmdid }, newBalancer, random, this.#onTransition);
    module.version = version;
    if (storedAtMs !== undefined) oldRoutes.add(module, storedAtMs);
    fetcher.confirmRoute(module, nowMs);
    module.balancer.setHosts(hosts.map(inOneObject), nowMs);
    gauges.addHosts(module.balancer.hostCount);
    gauges.trackEjected(module);
    answerParked(modules.activate(module), module, nowMs);
  }

  readonly #onTransition: OnTransition = (module, transition) => {
    this.#deps.gauges.trackEjected(module);
    if (transition.to === 'shedding') this.#deps.gauges.trackShedding(module);
    this.#deps.transitions.add(module, transition);
  };
}

/**
 * A structured clone has four properties in the object itself, and V8 puts the fifth and sixth into a second one. Building each HostInfo
 * anew keeps it in one object.
 */
function inOneObject({ ip, port, weight, addr, zone, drain }: HostInfo): HostInfo {
  return { ip, port, weight, addr, zone, drain };
}
