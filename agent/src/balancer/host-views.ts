// pure
/** What people and the statistics are told of a module's hosts, whatever the algorithm. */
import {
  type Balancer,
  CAUSE_RULES,
  type EjectedHost,
  type HostExplanation,
  type HostView,
  type Transition,
} from './balancer.ts';
import type { HostSlots } from './host-slots.ts';
import { type FormerNumbers, type HostTable, movedTo } from './host-table.ts';

/** The state of a host in the algorithm's own words, and what it knows of it. */
export type HostState = Pick<HostExplanation, 'state' | 'numbers' | 'avoidedTimes'>;

interface PastChange {
  readonly transition: Transition;
  readonly atMs: number;
}

/** How each host last changed sides; made with the first change. */
export class PastChanges {
  #changes: (PastChange | undefined)[] | undefined = undefined;

  move(before: FormerNumbers): void {
    this.#changes = movedTo(before, this.#changes);
  }

  remember(host: number, hostCount: number, transition: Transition, nowMs: number): void {
    this.#changes ??= new Array(hostCount).fill(undefined);
    this.#changes[host] = { transition, atMs: nowMs };
  }

  last(host: number, nowMs: number): HostExplanation['last'] {
    const change = this.#changes?.[host];
    if (change === undefined) return undefined;
    const { to, cause, numbers } = change.transition;
    return { to, cause, rule: CAUSE_RULES[cause], numbers, agoMs: nowMs - change.atMs };
  }
}

export function* viewsOf(hosts: HostTable, isOut: (host: number) => boolean): IterableIterator<HostView> {
  for (let host = 0; host < hosts.size; host++) yield { host: hosts.at(host), isEjected: isOut(host) };
}

/** See Balancer.takeCounts. */
export function takeCounts(
  hosts: HostTable,
  slots: HostSlots,
  isOut: (host: number) => boolean,
  visit: Parameters<Balancer['takeCounts']>[0],
): void {
  for (let host = 0; host < hosts.size; host++) {
    const counts = slots.takeCounts(host);
    if (counts !== undefined) visit(hosts.at(host), isOut(host), counts);
  }
}

/** See ModuleBalancer.ejectedHosts. */
export function ejectedHosts(
  ejected: Iterable<number>,
  hosts: HostTable,
  changes: PastChanges | undefined,
  nowMs: number,
): EjectedHost[] {
  return Array.from(ejected, host => ({ host: hosts.at(host), forMs: changes?.last(host, nowMs)?.agoMs ?? 0 }));
}

/** See ModuleBalancer.explain. */
export function explain(
  hosts: HostTable,
  slots: HostSlots,
  changes: PastChanges | undefined,
  stateOf: (host: number) => HostState,
  nowMs: number,
): HostExplanation[] {
  const picks = recentPicks(hosts, slots, nowMs);
  return hosts.all.map((info, host) => ({
    host: info,
    ...stateOf(host),
    share: picks === 0 ? 0 : slots.recentPicks(host, nowMs) / picks,
    picks: slots.recentPicks(host, nowMs),
    last: changes?.last(host, nowMs),
  }));
}

/** See ModuleBalancer.recentPicks. */
export function recentPicks(hosts: HostTable, slots: HostSlots, nowMs: number): number {
  let picks = 0;
  for (let host = 0; host < hosts.size; host++) picks += slots.recentPicks(host, nowMs);
  return picks;
}
