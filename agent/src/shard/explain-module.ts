// pure
import { formatHost } from '@lars/proto';
import type { HostExplanation, ModuleConduct } from '../balancer/balancer.ts';
import type { ModuleId } from '../threads/messages.ts';
import type { ServingModule } from './module-table.ts';

/** What the agent knows of one module, as `lars why` shows it. */
export interface ModuleExplanation extends ModuleId {
  /** serving: it has a route. absent: it does not exist, as far as is known. unknown: nobody has asked for it lately. */
  readonly state: 'serving' | 'absent' | 'unknown';
  /** What chooses among its hosts; '' while it is not served. */
  readonly algorithm: string;
  /** The revision of the route; 0 where dnsserver tells none. */
  readonly version: number;
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
  module: ServingModule | undefined,
  isAbsent: boolean,
  nowMs: number,
): ModuleExplanation {
  if (module === undefined) return { modid, cmdid, state: isAbsent ? 'absent' : 'unknown', algorithm: '', version: 0, hosts: [] };
  const hosts = module.balancer.explain(nowMs).map(({ host, ...explanation }) => {
    return { host: formatHost(host), weight: host.weight, zone: host.zone, ...explanation };
  });
  const { balancer, version } = module;
  const conduct = balancer.explainModule(nowMs);
  const known = { modid, cmdid, state: 'serving', algorithm: balancer.algorithm, version } as const;
  return conduct === undefined ? { ...known, hosts } : { ...known, conduct, hosts };
}
