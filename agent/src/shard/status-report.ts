// pure
import type { HostCallResult } from '@lars/proto';
import type { StatusReport } from '../threads/messages.ts';
import type { ServingModule } from './module-table.ts';

/** Takes what the module has counted since the last take; undefined where nothing was called. */
export function takeStatusReport(module: ServingModule, ts: number): StatusReport | undefined {
  const results: HostCallResult[] = [];
  module.balancer.takeCounts((host, overload, counts) => {
    const { ip, port, addr, weight } = host;
    const { succ, err, probes } = counts;
    results.push({ ip, port, addr, weight, succ, err, overload, tcost: Math.round(counts.tcostMs), probes });
  });
  return results.length === 0 ? undefined : { modid: module.modid, cmdid: module.cmdid, results, ts };
}
