// pure
import { formatHost, type ModuleId } from '@lars/proto';
import type { HostExplanation, ModuleConduct } from '../balancer/balancer.ts';
import type { ActiveModule } from './module-table.ts';
import type { SimulatedPicks } from './simulated-picks.ts';

/** What the agent knows of one module, as `lars why` shows it. */
export interface ModuleExplanation extends ModuleId {
  /** active: the module has a route. absent: it does not exist, as far as is known. unknown: no caller has asked for it lately. */
  readonly state: 'active' | 'absent' | 'unknown';
  /** What picks among its hosts; '' while the module is not active. */
  readonly algorithm: string;
  /** The version of the route; 0 where dnsserver tells none. */
  readonly version: number;
  /** For how long dnsserver has not confirmed the route, which the agent knew earlier; left out where the route is not old. */
  readonly oldRouteSeconds?: number;
  /** Picks of the last 10 to 20 seconds, and how many of these were for simulated calls; left out while the module is not active. */
  readonly recentPicks?: number;
  readonly simulatedPicks?: number;
  /** What concerns the module as a whole; left out where the algorithm has nothing to say of it. */
  readonly conduct?: ModuleConduct;
  readonly hosts: readonly (Omit<HostExplanation, 'host'> & HostName)[];
}

interface HostName {
  /** '10.0.0.5:80' */
  readonly host: string;
  readonly weight: number;
  readonly zone: string;
}

export function explainModule(
  { modid, cmdid }: ModuleId,
  module: ActiveModule | undefined,
  isAbsent: boolean,
  simulated: SimulatedPicks,
  nowMs: number,
): ModuleExplanation {
  if (module === undefined) return { modid, cmdid, state: isAbsent ? 'absent' : 'unknown', algorithm: '', version: 0, hosts: [] };
  const hosts = module.balancer.explain(nowMs).map(({ host, ...explanation }) => {
    return { host: formatHost(host), weight: host.weight, zone: host.zone, ...explanation };
  });
  const { balancer, version } = module;
  const conduct = balancer.explainModule(nowMs);
  const known = {
    modid,
    cmdid,
    state: 'active',
    algorithm: balancer.algorithm,
    version,
    recentPicks: balancer.recentPicks(nowMs),
    simulatedPicks: simulated.recent(module, nowMs),
  } as const;
  return conduct === undefined ? { ...known, hosts } : { ...known, conduct, hosts };
}
