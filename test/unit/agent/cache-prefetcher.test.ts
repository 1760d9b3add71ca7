import { describe, expect, test } from 'vitest';
import { PREFETCH_STEPS } from '../../../agent/src/balancer/balancer.ts';
import { CachePrefetcher } from '../../../agent/src/shard/cache-prefetcher.ts';
import { ActiveModule, ModuleTable } from '../../../agent/src/shard/module-table.ts';
import { getHostFrame, getRouteFrame, hostInfo, reportFrame } from '../../support/agent-messages.ts';

/** Fewer are not worth it. */
const ENOUGH = 3_000;

interface Step {
  readonly cmdid: number;
  readonly step: number;
}

/** So many modules 1/0, 1/1, …, of which each writes down the steps in which it is prefetched. */
function tableOf(count: number): { readonly prefetcher: CachePrefetcher; readonly steps: Step[] } {
  const modules = new ModuleTable<never>({ routeWaitMs: 1, maxWaiting: 1, absentTtlMs: 1, maxAbsent: 1 });
  const steps: Step[] = [];
  for (let cmdid = 0; cmdid < count; cmdid++) {
    const balancer = { prefetch: (step: number) => steps.push({ cmdid, step }) } as Partial<ActiveModule['balancer']>;
    modules.activate(
      new ActiveModule(
        { modid: 1, cmdid },
        () => balancer as ActiveModule['balancer'],
        () => 0,
        () => undefined,
      ),
    );
  }
  return { prefetcher: new CachePrefetcher(modules), steps };
}

function add(prefetcher: CachePrefetcher, datagram: Uint8Array): void {
  const slot = new Uint8Array(300).fill(0xee);
  slot.set(datagram, 7);
  prefetcher.add(slot, 7, 7 + datagram.length);
}

describe('prefetching', () => {
  test('every module of the batch takes a step before any takes the next, whether it is asked for or reported on', () => {
    const { prefetcher, steps } = tableOf(ENOUGH);
    add(prefetcher, getHostFrame({ modid: 1, cmdid: 5 }));
    add(prefetcher, reportFrame({ modid: 1, cmdid: 2_999, host: hostInfo(80) }));
    expect(steps).toEqual([]);
    prefetcher.prefetch();
    const all = Array.from({ length: PREFETCH_STEPS }, (_, step) => [
      { cmdid: 5, step },
      { cmdid: 2_999, step },
    ]);
    expect(steps).toEqual(all.flat());
  });

  test('a batch is prefetched once, and nothing of the one before', () => {
    const { prefetcher, steps } = tableOf(ENOUGH);
    for (const cmdid of [1, 2, 3]) add(prefetcher, getHostFrame({ modid: 1, cmdid }));
    prefetcher.prefetch();
    steps.length = 0;
    prefetcher.prefetch();
    expect(steps).toEqual([]);
    add(prefetcher, getHostFrame({ modid: 1, cmdid: 9 }));
    prefetcher.prefetch();
    expect(new Set(steps.map(({ cmdid }) => cmdid))).toEqual(new Set([9]));
  });

  test('what names no active module is passed over', () => {
    const { prefetcher, steps } = tableOf(ENOUGH);
    const whole = getHostFrame({ modid: 1, cmdid: 5 });
    for (const datagram of [
      new Uint8Array(0),
      whole.subarray(0, 7),
      whole.subarray(0, -1),
      getRouteFrame({ modid: 1, cmdid: 5 }),
      getHostFrame({ modid: 2, cmdid: 5 }),
    ]) {
      add(prefetcher, datagram);
    }
    prefetcher.prefetch();
    expect(steps).toEqual([]);
  });

  test('few modules are in the cache anyway, and are not prefetched', () => {
    const { prefetcher, steps } = tableOf(ENOUGH - 1);
    add(prefetcher, getHostFrame({ modid: 1, cmdid: 5 }));
    prefetcher.prefetch();
    expect(steps).toEqual([]);
  });
});
