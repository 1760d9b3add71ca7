/** Which server the threads of agents use: the first of their list that is there, soon after it is. */
import { SharedCounters } from '@lars/runtime/counters';
import { type LinkGauge, linkGauges } from '../../../../agent/src/counters.ts';
import type { Machine } from '../host/machine.ts';
import type { SimulatedProcess } from '../host/process.ts';

/** A dnsserver or reporter, as far as this check has to know it. */
export interface Server {
  readonly name: string;
  readonly isUp: boolean;
}

/** By the thread that has the links; the preferred servers first. */
export type Preference = Readonly<Record<'dns' | 'reporter', readonly Server[]>>;

interface Link {
  readonly thread: SimulatedProcess;
  readonly name: keyof Preference;
  readonly servers: readonly Server[];
  readonly gauges: SharedCounters<LinkGauge>;
}

export class LinkCheck {
  readonly #preferences = new Map<Machine, Preference>();
  readonly #links = new Set<Link>();

  onAgent(machine: Machine, preference: Preference): void {
    this.#preferences.set(machine, preference);
  }

  /** A thread begins. @param buffer of its gauges */
  onThread(thread: SimulatedProcess, name: string, buffer: SharedArrayBuffer): void {
    if (name !== 'dns' && name !== 'reporter') return;
    const servers = this.#preferences.get(thread.machine)?.[name] ?? [];
    const link: Link = { thread, name, servers, gauges: new SharedCounters<LinkGauge>(linkGauges, buffer) };
    this.#links.add(link);
    thread.atEnd(() => this.#links.delete(link));
  }

  /**
   * The first thread that does not use what it should, in one line.
   * @param mayBeSilent connections may be silent: who has nothing to report does not notice
   */
  problem(mayBeSilent: boolean): string | undefined {
    for (const { thread, name, servers, gauges } of this.#links) {
      if (mayBeSilent && name === 'reporter') continue;
      const wanted = servers.findIndex(({ isUp }) => isUp);
      const used = gauges.get('server') - 1;
      if (wanted >= 0 && used !== wanted)
        return `${thread.name} uses ${servers[used]?.name ?? 'no server'}, not ${servers[wanted]?.name}`;
    }
    return undefined;
  }
}
