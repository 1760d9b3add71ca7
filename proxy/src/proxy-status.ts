import { formatModule } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import type { ConnectionLimits } from './connection-limits.ts';
import { type ProxyCounter, type ProxyGauge, proxyCounters, type ThreadCounter, type ThreadGauge } from './counters.ts';
import type { ListenerRules } from './listen/listener-rules.ts';
import type { CoreStatus, HostStatus } from './proxy-core.ts';

/** What main knows of the proxy without asking its threads. */
export interface ProxyView {
  readonly uptimeMs: number;
  readonly rules: readonly ListenerRules[];
  readonly places: readonly string[];
  readonly threads: number;
  readonly engine: string;
  readonly isDraining: boolean;
  readonly maxConnections: number;
  /** Open files that [proxy] max_connections takes. */
  readonly neededFiles: number;
  readonly limits: ConnectionLimits;
  /** Of each thread. */
  readonly counters: readonly SharedCounters<ProxyCounter>[];
  readonly gauges: readonly SharedCounters<ProxyGauge>[];
  readonly threadCounters: readonly SharedCounters<ThreadCounter>[];
  readonly threadGauges: readonly SharedCounters<ThreadGauge>[];
}

/** What GET /proxy answers, and `lars proxy status --json` prints. */
export interface ProxyStatus {
  readonly service: 'proxy';
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly threads: number;
  readonly engine: string;
  /** Nothing new is accepted: the process was told to end. */
  readonly draining: boolean;
  readonly agentAway: boolean;
  readonly connections: number;
  readonly maxConnections: number;
  readonly listeners: readonly ListenerStatus[];
  /** Those that were picked since the start, by name. */
  readonly hosts: readonly HostStatus[];
  /** Sums over all threads since the start. */
  readonly counters: Readonly<Record<ProxyCounter, number>>;
}

export interface ListenerStatus {
  readonly name: string;
  readonly address: string;
  /** 'MODID/CMDID'; null where only server names tell one. */
  readonly module: string | null;
  readonly policy: string;
  readonly connections: number;
  readonly maxConnections: number;
}

export function proxyStatus(view: ProxyView, statuses: readonly CoreStatus[]): ProxyStatus {
  return {
    service: 'proxy',
    pid: process.pid,
    uptimeSeconds: Math.round(view.uptimeMs / 1_000),
    threads: view.threads,
    engine: view.engine,
    draining: view.isDraining,
    agentAway: isAgentAway(view),
    connections: view.limits.total,
    maxConnections: view.maxConnections,
    listeners: view.rules.map(({ name, module, policy, maxConnections }, at) => ({
      name,
      address: view.places[at] ?? '',
      module: module === undefined ? null : formatModule(module.modid, module.cmdid),
      policy,
      connections: view.limits.ofListener(at),
      maxConnections,
    })),
    hosts: mergeHosts(statuses.flatMap(({ hosts }) => hosts)),
    counters: sumCounters(view.counters),
  };
}

/** Whether a thread gets no answer from the agent. */
export function isAgentAway({ gauges }: Pick<ProxyView, 'gauges'>): boolean {
  return gauges.some(gauge => gauge.get('agentAway') > 0);
}

function mergeHosts(all: readonly HostStatus[]): readonly HostStatus[] {
  const merged = new Map<string, HostStatus>();
  for (const one of all) {
    const other = merged.get(one.host);
    if (other === undefined) merged.set(one.host, one);
    else
      merged.set(one.host, {
        host: one.host,
        connections: one.connections + other.connections,
        connected: one.connected + other.connected,
        failed: one.failed + other.failed,
        isCooling: one.isCooling || other.isCooling,
      });
  }
  return [...merged.values()].sort((a, b) => a.host.localeCompare(b.host));
}

function sumCounters(all: readonly SharedCounters<ProxyCounter>[]): Readonly<Record<ProxyCounter, number>> {
  const sum = (name: ProxyCounter) => all.reduce((total, counters) => total + counters.get(name), 0);
  return Object.fromEntries(proxyCounters.names.map(name => [name, sum(name)])) as Record<ProxyCounter, number>;
}
