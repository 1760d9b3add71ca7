import { below } from '../../../test/support/fuzz.ts';
import { DATABASE_FAULTS } from './database-faults.ts';
import type { Fault } from './fault.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import { ROUTE_FAULTS } from './route-faults.ts';
import { TRAFFIC_FAULTS } from './traffic-faults.ts';

export const ALL_FAULTS: readonly Fault[] = [...PROCESS_FAULTS, ...DATABASE_FAULTS, ...TRAFFIC_FAULTS, ...ROUTE_FAULTS];

/** Without end; each fault once, in an order that chance decides, before any comes again. */
export function* shuffledFaults(faults: readonly Fault[], random: () => number): Generator<Fault, never> {
  for (;;) {
    const left = [...faults];
    while (left.length > 0) yield left.splice(below(left.length, random), 1)[0] as Fault;
  }
}
