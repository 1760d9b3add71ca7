// pure
/** Which modules are worth a look, and how they are: for the metrics, which cannot show a hundred thousand. */
import { formatHost, type ModuleId } from '@lars/proto';
import { Highest } from './highest.ts';
import type { HostGauges } from './host-gauges.ts';
import type { ActiveModule } from './module-table.ts';
import { ModuleTotal, type ModuleTotals } from './module-totals.ts';

/** How many modules in trouble are shown, and how many ejected hosts. */
export const MAX_TROUBLED = 50;

export interface ModuleFigures extends ModuleId {
  /** Since the agent learnt of the module, as of its last status report. */
  readonly calls: number;
  readonly errors: number;
  /** Sum of the durations that callers told. */
  readonly durationMs: number;
  readonly recentCalls: number;
  readonly healthyHosts: number;
  readonly ejectedHosts: number;
  readonly drainingHosts: number;
  readonly isShedding: boolean;
}

export interface EjectedHostFigures extends ModuleId {
  /** '10.0.0.5:80' */
  readonly host: string;
  /** For how long it has been ejected. */
  readonly forMs: number;
}

export interface WatchedModules {
  /** Those that are called most, the busiest first. */
  readonly busiest: readonly ModuleFigures[];
  /** Those in trouble, the worst first. */
  readonly troubled: readonly ModuleFigures[];
  /** Ejected hosts of the troubled modules, the one that is ejected longest first. */
  readonly ejectedHosts: readonly EjectedHostFigures[];
}

/** @param top how many of the busiest modules */
export function watchedModules(totals: ModuleTotals, gauges: HostGauges, top: number, nowMs: number): WatchedModules {
  const figures = (module: ActiveModule) => figuresOf(module, totals.of(module) ?? new ModuleTotal(), gauges, nowMs);
  const troubled = new Set([...gauges.withEjected(), ...gauges.withShedding(nowMs)]);
  const busiest = new Highest<ActiveModule>(top);
  // An agent may have a hundred thousand modules, and calls wait meanwhile: a look at each, and no sorting of all.
  for (const [module, total] of totals.all()) {
    if (total.isErring(nowMs)) troubled.add(module);
    busiest.add(module, total.rank);
  }
  const inTrouble = [...troubled].map(module => ({ module, ...figures(module) }));
  const worst = first(inTrouble, MAX_TROUBLED, byTrouble);
  return {
    busiest: busiest.items.map(figures),
    troubled: worst.map(({ module: _, ...known }) => known),
    ejectedHosts: longestEjected(worst.flatMap(({ module }) => ejectedHostsOf(module, nowMs))),
  };
}

/** Of several shards, what is shown of all of them. */
export function mergeWatched(parts: readonly WatchedModules[], top: number): WatchedModules {
  const all = <T>(of: (part: WatchedModules) => readonly T[]) => parts.flatMap(part => [...of(part)]);
  return {
    busiest: first(
      all(({ busiest }) => busiest),
      top,
      (a, b) => b.recentCalls - a.recentCalls,
    ),
    troubled: first(
      all(({ troubled }) => troubled),
      MAX_TROUBLED,
      byTrouble,
    ),
    ejectedHosts: longestEjected(all(({ ejectedHosts }) => ejectedHosts)),
  };
}

/** Those of whose hosts none may be called, then those that refuse calls, then the busiest. */
function byTrouble(a: ModuleFigures, b: ModuleFigures): number {
  return severity(b) - severity(a) || b.recentCalls - a.recentCalls;
}

function severity({ healthyHosts, ejectedHosts, isShedding }: ModuleFigures): number {
  if (healthyHosts === 0 && ejectedHosts > 0) return 2;
  return isShedding ? 1 : 0;
}

function figuresOf(module: ActiveModule, total: ModuleTotal, gauges: HostGauges, nowMs: number): ModuleFigures {
  const { modid, cmdid, balancer } = module;
  const { hostCount, healthyCount, ejectedCount } = balancer;
  const { calls, errors, durationMs } = total;
  return {
    ...{ modid, cmdid, calls, errors, durationMs },
    recentCalls: total.recentCalls(nowMs),
    healthyHosts: healthyCount,
    ejectedHosts: ejectedCount,
    drainingHosts: hostCount - healthyCount - ejectedCount,
    isShedding: gauges.isShedding(module, nowMs),
  };
}

function ejectedHostsOf({ modid, cmdid, balancer }: ActiveModule, nowMs: number): readonly EjectedHostFigures[] {
  // A route may have thousands: a name is made for those alone that are shown.
  const longest = first(balancer.ejectedHosts(nowMs), MAX_TROUBLED, (a, b) => b.forMs - a.forMs);
  return longest.map(({ host, forMs }) => ({ modid, cmdid, host: formatHost(host), forMs }));
}

function longestEjected(hosts: readonly EjectedHostFigures[]): readonly EjectedHostFigures[] {
  return first(hosts, MAX_TROUBLED, (a, b) => b.forMs - a.forMs);
}

function first<T>(all: readonly T[], count: number, order: (a: T, b: T) => number): T[] {
  return all.toSorted(order).slice(0, count);
}
