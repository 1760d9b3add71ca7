// pure
import type { ModuleId } from '@lars/proto';
import { recentSeconds } from '../balancer/host-slots.ts';
import { Highest } from './highest.ts';
import type { ActiveModule } from './module-table.ts';

/** One module in a list, as `lars top` and `lars why` show it. */
export interface ModuleSummary extends ModuleId {
  readonly algorithm: string;
  readonly hosts: number;
  /** How many of the hosts are in each of these states; avoided ones are counted as healthy too. */
  readonly ejected: number;
  readonly probation: number;
  readonly draining: number;
  readonly avoided: number;
  /** In the last 10 to 20 seconds. */
  readonly picksPerSec: number;
  /** Share of the last calls to each host that failed, 0..1, weighted with its picks; undefined where the algorithm does not know. */
  readonly errorRate?: number;
  /** Expected duration of a call, weighted the same way, ms; likewise. */
  readonly expectedMs?: number;
  /** Calls are refused, because work waits at the hosts. */
  readonly isShedding: boolean;
  /** More than a tenth of its recent calls failed, as of its last status report. */
  readonly isErring: boolean;
}

/** The modules of a shard, or of all shards together. */
export interface ModuleList {
  readonly active: number;
  /** Of all modules. */
  readonly picksPerSec: number;
  readonly inTrouble: number;
  /** In no order. */
  readonly modules: readonly ModuleSummary[];
}

/** So many modules are looked at before the clock is. */
const STRIDE = 64;
/** A slice takes about so long; requests are answered before the next one. */
const SLICE_MS = 2;

export interface ListDeps {
  readonly nowMs: () => number;
  /** Lets the thread do its other work. */
  readonly pause: () => Promise<void>;
}

export interface ErringDeps {
  /** Whether more than a tenth of its recent calls failed: hosts that fail alike are none in trouble, and their module is. */
  readonly isErring: (module: ActiveModule, nowMs: number) => boolean;
}

/**
 * Looks at all modules, of which an agent may have a hundred thousand, in slices.
 * @param max so many modules in trouble are listed, and so many of those with the most picks
 */
export async function listModules(
  modules: Iterable<ActiveModule>,
  max: number,
  deps: ListDeps & ErringDeps,
): Promise<ModuleList> {
  const { nowMs, pause, isErring } = deps;
  const busy = new Highest<ActiveModule>(max);
  const inTrouble: ActiveModule[] = [];
  let [active, picks, troubles] = [0, 0, 0];
  let sliceStartMs = nowMs();
  for (const module of modules) {
    if (active % STRIDE === STRIDE - 1 && nowMs() - sliceStartMs >= SLICE_MS) {
      await pause();
      sliceStartMs = nowMs();
    }
    active += 1;
    const modulePicks = module.balancer.recentPicks(sliceStartMs);
    picks += modulePicks;
    if (module.balancer.isInTrouble(sliceStartMs) || isErring(module, sliceStartMs)) {
      troubles += 1;
      if (inTrouble.length < max) inTrouble.push(module);
    }
    busy.add(module, modulePicks);
  }
  const listed = new Set([...inTrouble, ...busy.items]);
  const summaries = Array.from(listed, module => summarize(module, isErring(module, nowMs()), nowMs()));
  return { active, picksPerSec: picks / recentSeconds(nowMs()), inTrouble: troubles, modules: summaries };
}

export function mergeLists(lists: readonly ModuleList[]): ModuleList {
  const sum = (of: (list: ModuleList) => number) => lists.reduce((total, list) => total + of(list), 0);
  return {
    active: sum(list => list.active),
    picksPerSec: sum(list => list.picksPerSec),
    inTrouble: sum(list => list.inTrouble),
    modules: lists.flatMap(({ modules }) => modules),
  };
}

function summarize({ modid, cmdid, balancer }: ActiveModule, isErring: boolean, nowMs: number): ModuleSummary {
  const hosts = balancer.explain(nowMs);
  const picks = hosts.reduce((sum, host) => sum + host.picks, 0);
  const count = (state: string) => hosts.filter(host => host.state === state).length;
  const weighted = (name: string) =>
    hosts.reduce((sum, host) => sum + (host.numbers[name] ?? 0) * (picks === 0 ? 1 / hosts.length : host.picks / picks), 0);
  const isKnown = hosts.some(({ numbers }) => numbers['errorRate'] !== undefined);
  return {
    modid,
    cmdid,
    algorithm: balancer.algorithm,
    hosts: hosts.length,
    ejected: count('ejected'),
    probation: count('probation'),
    draining: count('draining'),
    avoided: hosts.filter(host => host.avoidedTimes !== undefined).length,
    picksPerSec: picks / recentSeconds(nowMs),
    isShedding: balancer.explainModule(nowMs)?.shedding !== undefined,
    isErring,
    ...(isKnown ? { errorRate: weighted('errorRate'), expectedMs: weighted('expectedMs') } : {}),
  };
}
