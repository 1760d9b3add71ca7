import { formatAddress, type ServerAddress } from '@lars/runtime/config/address-list';
import type { SharedCounters } from '@lars/runtime/counters';
import type { Health } from '@lars/runtime/http/health-server';
import type { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { VERSION } from '@lars/runtime/version';
import type { AgentCounters } from './agent-counters.ts';
import type { AgentConfig } from './config.ts';
import type { LinkGauge } from './counters.ts';
import { serverAddresses } from './server-addresses.ts';
import { SHARD_NAMES, THREAD_NAMES, type ThreadName } from './threads/messages.ts';
import type { Supervisor } from './threads/supervisor.ts';

export interface AgentState {
  readonly supervisor: Supervisor<ThreadName>;
  readonly counters: AgentCounters;
  readonly config: AgentConfig;
  readonly security: SecurityKeeper;
  readonly uptimeMs: number;
}

/**
 * The agent is degraded without dnsserver: it serves the known routes, but does not see changes and new modules. And while it serves routes that
 * it knew before it started and dnsserver has not confirmed. The reporter is optional
 * and does not affect the status.
 */
export function agentHealth({ supervisor, counters, config, security, uptimeMs }: AgentState): Health {
  const up = counters.dnsGauges.get('linkUp') === 1;
  const ports = SHARD_NAMES.map(name => supervisor.readyThread(name)?.port ?? 0);
  const oldRoutes = counters.shardGaugeTotal('oldRoutes');
  const shard0 = supervisor.readyThread('shard0');
  return {
    service: 'agent',
    status: up && oldRoutes === 0 ? 'ok' : 'degraded',
    pid: process.pid,
    uptimeSeconds: Math.round(uptimeMs / 1_000),
    version: VERSION,
    details: {
      udp: `${config.udp.ip}:${ports.join(',')}`,
      ...(config.udp.allow === '' ? {} : { udpAllow: config.udp.allow }),
      transport: shard0?.transport ?? '',
      transportFallback: shard0?.facts?.fallbackReason ?? '',
      receiveBufferBytes: shard0?.facts?.receiveBufferBytes ?? 0,
      algorithm: config.loadbalance.algorithm,
      dnsserver: linkState(serverAddresses(config, 'dnsserver'), counters.dnsGauges),
      reporter: linkState(serverAddresses(config, 'reporter'), counters.reporterGauges),
      ...security.details,
      modules: counters.shardGaugeTotal('modules'),
      hosts: counters.shardGaugeTotal('hosts'),
      ejectedHosts: counters.shardGaugeTotal('ejectedHosts'),
      // The old name of ejectedHosts, which goes away with the next release.
      overloadedHosts: counters.shardGaugeTotal('ejectedHosts'),
      oldRoutes,
      oldRoutesAgeSeconds: counters.shardGaugeMax('oldRoutesAgeSeconds'),
      getHost: counters.shardTotal('getHost'),
      reports: counters.shardTotal('reportedCalls'),
      kernelDrops: counters.shardTotal('kernelDrops'),
      threadSilences: THREAD_NAMES.reduce((sum, name) => sum + supervisor.silences(name), 0),
      threadRestarts: THREAD_NAMES.reduce((sum, name) => sum + supervisor.restarts(name), 0),
    },
  };
}

/** The server in use; of several also since when, and which of the others are down. */
function linkState(servers: readonly ServerAddress[], gauges: SharedCounters<LinkGauge>): string {
  const used = gauges.get('server') - 1;
  const since = new Date(gauges.get('serverSinceTimestampSeconds') * 1_000).toISOString();
  const down = gauges.get('downServers');
  return servers
    .map((address, server) => {
      const name = formatAddress(address);
      if (servers.length === 1) return `${name} ${used === server ? 'connected' : 'not connected'}`;
      if (used === server) return `${name} connected since ${since}`;
      return `${name} ${Math.floor(down / 2 ** server) % 2 === 1 ? 'down' : 'not used'}`;
    })
    .join(', ');
}
