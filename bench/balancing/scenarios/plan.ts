// pure
import type { Draw } from '../sim/draw.ts';
import type { Change, Condition, Scenario } from '../sim/scenario.ts';

export const GROUPS = ['failure', 'slow', 'errors', 'capacity', 'overload', 'churn', 'size', 'reports'] as const;
export type Group = (typeof GROUPS)[number];

/** A kind of trouble. Which hosts meet it, and when exactly, is drawn anew for each seed. */
export interface Plan {
  readonly name: string;
  readonly group: Group;
  /** For the page: what happens, in one sentence. */
  readonly about: string;
  readonly build: (draw: Draw) => Scenario;
}

/** The hosts are in some condition for a while, and as before (`after`) from then on. */
export function spell(
  hosts: readonly number[],
  fromMs: number,
  toMs: number,
  during: Partial<Condition>,
  after: Partial<Condition>,
): Change[] {
  return [
    { atMs: fromMs, hosts, condition: during },
    { atMs: toMs, hosts, condition: after },
  ];
}

export function outage(hosts: readonly number[], fromMs: number, toMs: number, how: 'refusing' | 'silent'): Change[] {
  return spell(hosts, fromMs, toMs, { availability: how }, { availability: 'up' });
}

/** Slow at first, and as fast as ever after a while. */
export function cold(factor: number, overMs: number): Partial<Condition> {
  return { availability: 'up', slowness: { from: factor, to: 1, overMs } };
}
