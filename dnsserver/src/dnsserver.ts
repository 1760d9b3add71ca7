import { MAX_BODY_BYTES } from '@lars/proto';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { CounterBank } from '@lars/runtime/counters';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { FramedServer } from '@lars/runtime/tcp/framed-server';
import type { DnsserverConfig } from './config.ts';
import { dnsserverCounters } from './counters.ts';
import { dnsserverHealth } from './dnsserver-health.ts';
import { dnsserverMetrics } from './dnsserver-metrics.ts';
import type { DnsserverStats } from './dnsserver-stats.ts';
import { PollLoop } from './poll-loop.ts';
import { RouteService } from './push/route-service.ts';
import type { RouteStore } from './routes/route-store.ts';
import { RouteWatcher } from './routes/route-watcher.ts';
import { SqliteRouteStore } from './routes/sqlite-route-store.ts';

export interface DnsserverOptions {
  readonly log: Logger;
  readonly clock?: Clock;
}

export interface RunningDnsserver extends Service {
  readonly tcpPort: number;
  readonly httpPort: number;
  stats(): DnsserverStats;
  /** Looks at the database now, instead of at the next interval; resolves when what changed is on its way to the agents. */
  poll(): Promise<void>;
}

/** A look at the database waits no longer for others' writes; the next one tries again. */
const BUSY_WAIT_MS = 200;

/**
 * Starts dnsserver; resolves when it answers with the routes of the database.
 * @throws {StartupError} when the database cannot be used or a port is taken
 */
export async function startDnsserver(config: DnsserverConfig, options: DnsserverOptions): Promise<RunningDnsserver> {
  const store = new SqliteRouteStore({ file: config.database.file, busyWaitMs: BUSY_WAIT_MS });
  const dnsserver = new Dnsserver(config, store, options);
  try {
    await dnsserver.start();
  } catch (error) {
    await dnsserver.stop();
    throw error;
  }
  return dnsserver;
}

class Dnsserver implements RunningDnsserver {
  readonly name = 'dnsserver';
  /** Nothing ends it: what goes wrong while it runs is one connection's, or heals. */
  readonly failed = new Promise<Error>(() => {});
  readonly #config: DnsserverConfig;
  readonly #store: RouteStore;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #counters = new CounterBank(dnsserverCounters);
  readonly #watcher: RouteWatcher;
  readonly #service: RouteService;
  readonly #tcp: FramedServer;
  readonly #loop: PollLoop;
  #tcpPort = 0;
  #http: HealthServer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: DnsserverConfig, store: RouteStore, { log, clock = systemClock }: DnsserverOptions) {
    this.#config = config;
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#watcher = new RouteWatcher({
      store,
      counters: this.#counters,
      log,
      believeEmpty: config.routes.believe_empty,
      onDiff: diff => this.#service.publish(diff),
    });
    this.#service = new RouteService({
      routes: this.#watcher.routes,
      counters: this.#counters,
      maxSubscriptions: config.tcp.max_subscriptions,
      log,
    });
    this.#tcp = new FramedServer(
      {
        ip: config.tcp.ip,
        port: config.tcp.port,
        confKey: 'conf key [tcp] port',
        maxConnections: config.tcp.max_connections,
        limits: {
          maxBodyBytes: MAX_BODY_BYTES,
          partialFrameTimeoutMs: config.tcp.partial_frame_timeout * 1_000,
          maxWriteBufferBytes: config.tcp.max_write_buffer,
        },
        log,
      },
      this.#service,
    );
    this.#loop = new PollLoop(() => this.poll(), config.routes.poll_interval);
  }

  async start(): Promise<void> {
    await this.#readRoutes();
    await this.#tcp.listen();
    this.#tcpPort = this.#tcp.port;
    this.#http = await startHealthServer({
      ...this.#config.http,
      confKey: 'conf key [http] port',
      health: () => dnsserverHealth(this.stats(), this.#uptimeMs(), this.#tcpAddress(), this.#store.name),
      registry: async () => dnsserverMetrics(this.#counters, this.#tcp.counters, () => this.stats()),
    });
    this.#loop.start();
    this.#log.info('dnsserver serves', { tcp: this.#tcpAddress(), http: this.httpPort, database: this.#store.name });
  }

  get tcpPort(): number {
    return this.#tcpPort;
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  stats(): DnsserverStats {
    const { revision, holding, outage } = this.#watcher.status;
    return {
      modules: this.#watcher.routes.moduleCount,
      hosts: this.#watcher.routes.hostCount,
      connections: this.#tcp.connections.size,
      subscriptions: this.#service.subscriptionCount,
      revision,
      emptyGuard: holding,
      outage,
    };
  }

  poll(): Promise<void> {
    return this.#watcher.poll();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#loop.stop();
    const watched = this.#watcher.stop();
    this.#service.stop();
    await Promise.all([this.#tcp.close(), this.#http?.close()]);
    await watched;
    await this.#store.close();
  }

  async #readRoutes(): Promise<void> {
    try {
      await this.#watcher.start();
    } catch (cause) {
      if (cause instanceof StartupError) throw cause;
      const { file } = this.#config.database;
      throw new StartupError('DATABASE', `database ${file} (conf key [database] file) cannot be read: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  #tcpAddress(): string {
    return `${this.#config.tcp.ip}:${this.tcpPort}`;
  }

  #uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }
}
