import type { Socket } from 'node:net';
import { MAX_BODY_BYTES } from '@lars/proto';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { CounterBank } from '@lars/runtime/counters';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { TcpListener } from '@lars/runtime/tcp/tcp-listener';
import type { DnsserverConfig } from './config.ts';
import { dnsserverCounters } from './counters.ts';
import { dnsserverHealth } from './dnsserver-health.ts';
import { dnsserverMetrics } from './dnsserver-metrics.ts';
import type { DnsserverStats } from './dnsserver-stats.ts';
import { RouteWatcher } from './follow/route-watcher.ts';
import { PollLoop } from './poll-loop.ts';
import { MainFront } from './serve/inline-route-server.ts';
import type { Front, FrontOptions } from './serve/route-server.ts';
import { WorkerFront } from './serve/workers/worker-route-server.ts';
import type { RouteStore } from './store/route-store.ts';
import { SqliteRouteStore } from './store/sqlite-route-store.ts';

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
  /** Ends a worker thread as a crash would; it is started again. */
  killWorker(worker: number): Promise<void>;
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
  readonly #tcpCounters = new CounterBank<TcpServerCounter>(tcpServerCounters);
  readonly #front: Front;
  readonly #listener: TcpListener;
  readonly #loop: PollLoop;
  #http: HealthServer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: DnsserverConfig, store: RouteStore, { log, clock = systemClock }: DnsserverOptions) {
    this.#config = config;
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#watcher = new RouteWatcher({
      clock,
      store,
      counters: this.#counters,
      log,
      believeEmpty: config.routes.believe_empty,
      onDiff: diff => this.#front.publish(diff, false),
      onRaised: routes => this.#front.publish(routes, true),
    });
    this.#front = newFront(config, { routes: this.#watcher.routes, counters: this.#counters, log, clock });
    const { ip, port, workers } = config.tcp;
    const listening = { ip, port, confKey: 'conf key [tcp] port', pauseOnConnect: workers > 0, log };
    this.#listener = new TcpListener(listening, socket => this.#accept(socket));
    this.#loop = new PollLoop(() => this.poll(), config.routes.poll_interval);
  }

  async start(): Promise<void> {
    await this.#readRoutes();
    await this.#front.start();
    await this.#listener.listen();
    this.#http = await startHealthServer({
      ...this.#config.http,
      confKey: 'conf key [http] port',
      health: () => dnsserverHealth(this.stats(), this.#uptimeMs(), this.#tcpAddress(), this.#store.name),
      registry: async () => this.#metrics(),
    });
    this.#loop.start();
    this.#log.info('dnsserver serves', { tcp: this.#tcpAddress(), http: this.httpPort, database: this.#store.name });
  }

  get tcpPort(): number {
    return this.#listener.port;
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  stats(): DnsserverStats {
    const { revision, holding, outage } = this.#watcher.status;
    return {
      modules: this.#watcher.routes.moduleCount,
      hosts: this.#watcher.routes.hostCount,
      connections: this.#connectionCount,
      workerConnections: this.#config.tcp.workers === 0 ? [] : this.#front.connections,
      subscriptions: this.#front.subscriptions,
      revision,
      emptyGuard: holding,
      outage,
    };
  }

  poll(): Promise<void> {
    return this.#watcher.poll();
  }

  killWorker(worker: number): Promise<void> {
    return this.#front.killWorker(worker);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#loop.stop();
    const watched = this.#watcher.stop();
    await Promise.all([this.#listener.close(), this.#front.close(), this.#http?.close()]);
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

  #accept(socket: Socket): void {
    if (this.#connectionCount >= this.#config.tcp.max_connections) {
      this.#tcpCounters.add(tcpServerCounters.at.refused);
      socket.destroy();
      return;
    }
    this.#tcpCounters.add(tcpServerCounters.at.accepted);
    this.#front.adopt(socket);
  }

  get #connectionCount(): number {
    return this.#front.connections.reduce((sum, count) => sum + count, 0);
  }

  #metrics(): ReturnType<typeof dnsserverMetrics> {
    const { counters, tcpCounters } = this.#front;
    return dnsserverMetrics([this.#counters, ...counters], [this.#tcpCounters, ...tcpCounters], () => this.stats());
  }

  #tcpAddress(): string {
    return `${this.#config.tcp.ip}:${this.tcpPort}`;
  }

  #uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }
}

/** An agent asks for all its modules in one go, and the answers to what one read brings may be a hundred times as long. */
const PAUSE_READING_AT_BYTES = 256 * 1_024;

function newFront({ tcp }: DnsserverConfig, parts: Omit<FrontOptions, 'limits' | 'maxSubscriptions'>): Front {
  const limits = {
    maxBodyBytes: MAX_BODY_BYTES,
    partialFrameTimeoutMs: tcp.partial_frame_timeout * 1_000,
    maxWriteBufferBytes: tcp.max_write_buffer,
    pauseReadingAtBytes: Math.min(PAUSE_READING_AT_BYTES, tcp.max_write_buffer / 2),
  };
  const options = { ...parts, limits, maxSubscriptions: tcp.max_subscriptions };
  return tcp.workers === 0 ? new MainFront(options) : new WorkerFront(tcp.workers, options);
}
