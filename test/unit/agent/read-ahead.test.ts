import { describe, expect, test } from 'vitest';
import { READ_STEPS } from '../../../agent/src/balancer/balancer.ts';
import { ModuleTable, type ServingModule } from '../../../agent/src/shard/module-table.ts';
import { ReadAhead } from '../../../agent/src/shard/read-ahead.ts';
import { getHostFrame, getRouteFrame, hostInfo, reportFrame } from '../../support/agent-messages.ts';

/** Fewer are not worth it. */
const ENOUGH = 3_000;

interface Step {
  readonly cmdid: number;
  readonly step: number;
}

/** So many modules 1/0, 1/1, …, of which each writes down the steps that it is read in. */
function tableOf(count: number): { readonly readAhead: ReadAhead; readonly steps: Step[] } {
  const modules = new ModuleTable<never>({ routeWaitMs: 1, maxHeld: 1, absentTtlMs: 1, maxAbsent: 1 });
  const steps: Step[] = [];
  for (let cmdid = 0; cmdid < count; cmdid++) {
    const balancer = { read: (step: number) => steps.push({ cmdid, step }) } as Partial<ServingModule['balancer']>;
    modules.serve({ modid: 1, cmdid, balancer, version: 1, refreshAtMs: 0, reportAtMs: undefined } as ServingModule);
  }
  return { readAhead: new ReadAhead(modules), steps };
}

function add(readAhead: ReadAhead, datagram: Uint8Array): void {
  const slot = new Uint8Array(300).fill(0xee);
  slot.set(datagram, 7);
  readAhead.add(slot, 7, 7 + datagram.length);
}

describe('reading ahead', () => {
  test('every module of the batch takes a step before any takes the next, whether it is asked for or reported on', () => {
    const { readAhead, steps } = tableOf(ENOUGH);
    add(readAhead, getHostFrame({ modid: 1, cmdid: 5 }));
    add(readAhead, reportFrame({ modid: 1, cmdid: 2_999, host: hostInfo(80) }));
    expect(steps).toEqual([]);
    readAhead.run();
    const all = Array.from({ length: READ_STEPS }, (_, step) => [
      { cmdid: 5, step },
      { cmdid: 2_999, step },
    ]);
    expect(steps).toEqual(all.flat());
  });

  test('a batch is read once, and nothing of the one before', () => {
    const { readAhead, steps } = tableOf(ENOUGH);
    for (const cmdid of [1, 2, 3]) add(readAhead, getHostFrame({ modid: 1, cmdid }));
    readAhead.run();
    steps.length = 0;
    readAhead.run();
    expect(steps).toEqual([]);
    add(readAhead, getHostFrame({ modid: 1, cmdid: 9 }));
    readAhead.run();
    expect(new Set(steps.map(({ cmdid }) => cmdid))).toEqual(new Set([9]));
  });

  test('what names no module that is served is passed over', () => {
    const { readAhead, steps } = tableOf(ENOUGH);
    const whole = getHostFrame({ modid: 1, cmdid: 5 });
    for (const datagram of [
      new Uint8Array(0),
      whole.subarray(0, 7),
      whole.subarray(0, -1),
      getRouteFrame({ modid: 1, cmdid: 5 }),
      getHostFrame({ modid: 2, cmdid: 5 }),
    ]) {
      add(readAhead, datagram);
    }
    readAhead.run();
    expect(steps).toEqual([]);
  });

  test('few modules are in the cache anyway, and are not read', () => {
    const { readAhead, steps } = tableOf(ENOUGH - 1);
    add(readAhead, getHostFrame({ modid: 1, cmdid: 5 }));
    readAhead.run();
    expect(steps).toEqual([]);
  });
});
