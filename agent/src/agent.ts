/** The agent's main thread: starts the other threads as the configuration says, supervises them, and shows how they are. */
import { networkInterfaces } from 'node:os';
import { parseIpv4 } from '@lars/proto/host-address';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { keepCompiledCode } from '@lars/runtime/compiled-code';
import { exposeGc, scheduleGc } from '@lars/runtime/gc';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import { inlineLongPaths } from '@lars/runtime/inlining';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { workerScript } from '@lars/runtime/threads/worker-supervisor';
import { AgentCounters } from './agent-counters.ts';
import { agentHealth } from './agent-health.ts';
import { answerQuery } from './agent-queries.ts';
import type { LoadBalanceOptions } from './balancer/algorithm.ts';
import { loadBalanceOptions } from './balancing-config.ts';
import { linkOptions } from './check-config.ts';
import type { AgentConfig } from './config.ts';
import type { DnsThreadData } from './dns/dns-thread.ts';
import { RouteFile } from './dns/route-file.ts';
import { DELIVERY_TIMEOUT_MS } from './report/delivery-timeout.ts';
import type { ReportThreadData } from './report/report-thread.ts';
import { type ForwardsInFlight, newForwardsInFlight } from './shard/forwarding.ts';
import type { ShardThreadData } from './shard/shard-thread.ts';
import { SHARD_NAMES, type ShardName, type ThreadName } from './threads/messages.ts';
import { Supervisor, type ThreadSpec } from './threads/supervisor.ts';

export interface RunningAgent extends Service {
  readonly ip: string;
  /** The three UDP ports, shard by shard. */
  readonly udpPorts: readonly number[];
  /** How datagrams come in: 'mmsg' or 'dgram'. */
  readonly transport: string;
  readonly httpPort: number;
  /** Terminates a thread as a crash would; the supervisor starts it again. */
  killThread(name: ThreadName): Promise<void>;
  restarts(name: ThreadName): number;
}

export interface AgentDeps {
  readonly log: Logger;
  readonly clock?: Clock;
}

/**
 * Starts the agent; resolves when its three UDP servers answer. It does not wait for dnsserver and reporter.
 * @throws {StartupError} when a port is taken or the configuration contradicts itself
 */
export async function startAgent(config: AgentConfig, { log, clock = systemClock }: AgentDeps): Promise<RunningAgent> {
  inlineLongPaths();
  keepCompiledCode();
  exposeGc();
  scheduleGc();
  const counters = new AgentCounters();
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const isLinkUp = () => counters.dnsGauges.get('linkUp') === 1;
  const security = await SecurityKeeper.open(config.security, {
    log,
    clock,
    onChanged: files => {
      for (const name of LINK_THREADS) supervisor.post(name, { type: 'security', security: files });
    },
  });
  const routes = await RouteFile.open(config.agent.routes_file, { log, clock, isLinkUp });
  const supervisor = new Supervisor<ThreadName>({
    specs: threadSpecs(config, counters, routes, security),
    channels: CHANNELS,
    log,
    clock,
    onMessage: ({ memory }) => routes.onMoved(memory),
    onRestartLimitReached: fail,
  });
  await supervisor.start().catch((error: unknown) => {
    security.close();
    throw error;
  });
  routes.start();
  const startedMs = clock.monotonicMs();
  let http: HealthServer;
  try {
    const health = () => agentHealth({ supervisor, counters, config, security, uptimeMs: clock.monotonicMs() - startedMs });
    http = await startHealthServer({
      ...config.http,
      confKey: 'conf key [http] port',
      health,
      document: path => answerQuery(path, (shard, query) => supervisor.askThread(shard, query)),
      registry: async () =>
        (await import('./agent-metrics.ts')).agentMetrics(counters, supervisor, security, config.metrics.top_modules),
    });
  } catch (error) {
    security.close();
    await stopThreads(supervisor);
    await routes.stop();
    throw error;
  }
  const udpPorts = SHARD_NAMES.map(name => supervisor.readyThread(name)?.port ?? 0);
  const { transport = '', facts } = supervisor.readyThread('shard0') ?? {};
  log.info('agent ready', {
    ip: config.udp.ip,
    ports: udpPorts.join(','),
    transport,
    ...facts,
    http: http.port,
    ...security.details,
  });
  let stopping: Promise<void> | undefined;
  return {
    name: 'agent',
    ip: config.udp.ip,
    hasAllowList: config.udp.allow !== '',
    udpPorts,
    transport,
    httpPort: http.port,
    failed,
    stopDeadlineMs: STOP_DEADLINE_MS,
    killThread: name => supervisor.kill(name),
    restarts: name => supervisor.restarts(name),
    isAlive: () => supervisor.isAlive,
    stop: () => {
      security.close();
      stopping ??= stopThreads(supervisor)
        .then(() => routes.stop())
        .then(() => http.close());
      return stopping;
    },
  };
}

/** Stops the shards first: they hand their last status reports to the reporter thread, which sends them before it ends. */
async function stopThreads(supervisor: Supervisor<ThreadName>): Promise<void> {
  await supervisor.stop(SHARD_NAMES, SHARD_STOP_TIMEOUT_MS);
  await supervisor.stop(LINK_THREADS, LINK_STOP_TIMEOUT_MS);
}

/** They have a TCP link each. */
const LINK_THREADS: readonly ThreadName[] = ['dns', 'reporter'];
const SHARD_STOP_TIMEOUT_MS = 600;
/** The reporter thread tries to deliver the last reports, and then writes them into a file. */
const LINK_STOP_TIMEOUT_MS = DELIVERY_TIMEOUT_MS + 2_000;
const STOP_DEADLINE_MS = SHARD_STOP_TIMEOUT_MS + LINK_STOP_TIMEOUT_MS + 1_000;

/** Each pair of threads that post messages to each other. */
const CHANNELS: readonly (readonly [ThreadName, ThreadName])[] = [
  ['shard0', 'shard1'],
  ['shard0', 'shard2'],
  ['shard1', 'shard2'],
  ...SHARD_NAMES.flatMap((shard): [ThreadName, ThreadName][] => [
    [shard, 'dns'],
    [shard, 'reporter'],
  ]),
];

function threadSpecs(
  config: AgentConfig,
  counters: AgentCounters,
  routes: RouteFile,
  security: SecurityKeeper,
): ThreadSpec<ThreadName>[] {
  const caller = callerIp(config.agent.caller_ip);
  const loadBalance = loadBalanceOptions(config.loadbalance, config.module, config.agent.zone);
  const forwardsInFlight = newForwardsInFlight();
  const shards = SHARD_NAMES.map((_, index) => shardSpec(config, loadBalance, counters, forwardsInFlight, index));
  return [
    ...shards,
    {
      name: 'dns',
      script: workerScript('./dns/dns-thread', import.meta.url),
      data: (): DnsThreadData => ({
        link: linkOptions(config, 'dnsserver', security.current),
        counters: counters.dns.buffer,
        gauges: counters.dnsGauges.buffer,
        routes: routes.memory,
        storedAtMs: routes.storedAtMs,
      }),
    },
    {
      name: 'reporter',
      script: workerScript('./report/report-thread', import.meta.url),
      data: (): ReportThreadData => ({
        link: linkOptions(config, 'reporter', security.current),
        caller,
        unsentFile: config.agent.unsent_file,
        counters: counters.reporter.buffer,
        gauges: counters.reporterGauges.buffer,
      }),
    },
  ];
}

function shardSpec(
  config: AgentConfig,
  loadBalance: LoadBalanceOptions,
  counters: AgentCounters,
  forwardsInFlight: ForwardsInFlight,
  index: number,
): ThreadSpec<ThreadName> {
  const { agent, udp, loadbalance, metrics } = config;
  const shard = counters.shards[index] as AgentCounters['shards'][number];
  return {
    name: SHARD_NAMES[index] as ShardName,
    script: workerScript('./shard/shard-thread', import.meta.url),
    data: (lastPort): ShardThreadData => ({
      ip: udp.ip,
      port: udp.port === 0 ? lastPort : udp.port + index,
      allow: udp.allow,
      transport: udp.transport,
      receiveBufferBytes: udp.receive_buffer,
      shard: {
        index,
        routeWaitMs: agent.route_wait,
        maxWaiting: agent.max_waiting,
        absentTtlMs: agent.absent_ttl,
        maxAbsent: agent.max_absent,
        updateTimeoutMs: loadbalance.update_timeout,
        reportTimeoutMs: loadbalance.report_timeout,
        topModules: metrics.top_modules,
      },
      loadBalance,
      counters: shard.counters.buffer,
      gauges: shard.gauges.buffer,
      forwardsInFlight,
    }),
  };
}

/** This machine's address in reports: the conf's, else the first IPv4 that others can reach, else loopback. */
function callerIp(configured: string): number {
  return parseIpv4(configured === '' ? firstPublicIpv4() : configured) ?? 0;
}

function firstPublicIpv4(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    const address = addresses?.find(({ family, internal }) => family === 'IPv4' && !internal);
    if (address !== undefined) return address.address;
  }
  return '127.0.0.1';
}
