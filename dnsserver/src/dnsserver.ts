import { type Clock, systemClock } from '@lars/runtime/clock';
import { keepCompiledCode } from '@lars/runtime/compiled-code';
import { SharedCounters } from '@lars/runtime/counters';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { type LinkSecurity, NO_SECURITY } from '@lars/runtime/security/link-security';
import { type LinkGuards, loadLinkGuards } from '@lars/runtime/security/load-link-guards';
import { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { START_WAIT_MS } from '@lars/runtime/sql/sqlite';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { TcpListener } from '@lars/runtime/tcp/tcp-listener';
import type { ByteConnection } from '@lars/runtime/transport/byte-connection';
import { openTransport } from '@lars/runtime/transport/open-transport';
import { engineDetails, type TcpTransport } from '@lars/runtime/transport/tcp-transport';
import type { DnsserverConfig } from './config.ts';
import { dnsserverCounters } from './counters.ts';
import { dnsserverHealth } from './dnsserver-health.ts';
import { dnsserverMetrics } from './dnsserver-metrics.ts';
import type { DnsserverStats } from './dnsserver-stats.ts';
import { keptHostCount } from './follow/removal-guard.ts';
import { RouteWatcher } from './follow/route-watcher.ts';
import { HistoryKeeper } from './history/history-keeper.ts';
import { InlineRouteServer } from './serve/inline-route-server.ts';
import { type RouteServer, type RouteServerDeps, TCP_ENGINE_KEY } from './serve/route-server.ts';
import { WorkerRouteServer } from './serve/workers/worker-route-server.ts';
import type { RouteStore } from './store/route-store.ts';
import { SqliteRouteStore } from './store/sqlite-route-store.ts';

export interface DnsserverDeps {
  readonly log: Logger;
  readonly clock?: Clock;
  /** Aborted: the start does not wait for a locked database any more. */
  readonly stopping?: AbortSignal;
}

export interface RunningDnsserver extends Service {
  readonly tcpPort: number;
  readonly httpPort: number;
  stats(): DnsserverStats;
  /** Polls the database now, instead of at the next interval; resolves when the changes are on their way to the agents, and recorded. */
  poll(): Promise<void>;
  /** Ends a worker thread as a crash would; it is started again. */
  killWorker(worker: number): Promise<void>;
}

/** How long a poll of the database waits for other processes' writes; the next poll tries again. */
const BUSY_WAIT_MS = 200;

/**
 * Starts dnsserver; resolves when it answers with the routes of the database.
 * @throws {StartupError} when the database cannot be used or a port is taken
 */
export async function startDnsserver(config: DnsserverConfig, deps: DnsserverDeps): Promise<RunningDnsserver> {
  keepCompiledCode();
  const { log, clock = systemClock } = deps;
  let dnsserver: Dnsserver | undefined;
  let transport: TcpTransport | undefined;
  const security = await SecurityKeeper.open(config.security, {
    log,
    clock,
    onChanged: files => dnsserver?.setSecurity(files),
  });
  try {
    // Worker threads have guards of their own.
    const guards = await loadLinkGuards(config.tcp.workers === 0 ? security.current : NO_SECURITY);
    const { isSecured } = security;
    transport = await openTransport({ engine: config.tcp.engine, confKey: TCP_ENGINE_KEY, isSecured }, log);
    const store = new SqliteRouteStore({
      file: config.database.file,
      busyWaitMs: START_WAIT_MS,
      isStopped: () => deps.stopping?.aborted === true,
      onNotice: text => log.warn(text),
    });
    dnsserver = new Dnsserver(config, store, { log, clock, security, guards, transport });
    await dnsserver.start();
  } catch (error) {
    security.close();
    await dnsserver?.stop();
    await transport?.close();
    throw error;
  }
  return dnsserver;
}

/** What dnsserver is given once the files of section [security] are read. */
interface OwnDeps extends Required<Omit<DnsserverDeps, 'stopping'>> {
  readonly security: SecurityKeeper;
  readonly guards: LinkGuards;
  readonly transport: TcpTransport;
}

class Dnsserver implements RunningDnsserver {
  readonly name = 'dnsserver';
  /** Never resolves: an error while dnsserver runs concerns one connection only, or is retried. */
  readonly failed = new Promise<Error>(() => {});
  readonly #config: DnsserverConfig;
  readonly #store: RouteStore;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #security: SecurityKeeper;
  readonly #transport: TcpTransport;
  readonly #startedMs: number;
  readonly #counters = new SharedCounters(dnsserverCounters);
  readonly #watcher: RouteWatcher;
  readonly #history: HistoryKeeper;
  readonly #tcpCounters = new SharedCounters<TcpServerCounter>(tcpServerCounters);
  readonly #server: RouteServer;
  readonly #listener: TcpListener;
  #http: HealthServer | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: DnsserverConfig, store: RouteStore, { log, clock, security, guards, transport }: OwnDeps) {
    this.#config = config;
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#security = security;
    this.#transport = transport;
    this.#startedMs = clock.monotonicMs();
    this.#watcher = new RouteWatcher({
      clock,
      store,
      counters: this.#counters,
      log,
      guard: {
        acceptEmpty: config.routes.believe_empty,
        sharePercent: config.routes.guard_share,
        atLeast: config.routes.guard_min,
      },
      onDiff: diff => this.#server.publish(diff, false),
      onRaised: routes => this.#server.publish(routes, true),
    });
    const { history_changes: maxSets, history_rows: maxRows } = config.routes;
    this.#history = new HistoryKeeper({ store, log, clock, limits: { maxSets, maxRows } });
    const { tcp } = config;
    this.#server = newRouteServer({
      tcp,
      routes: this.#watcher.routes,
      transport,
      counters: this.#counters,
      log,
      clock,
      guards,
      security: () => security.current,
    });
    const { isSecured } = security;
    const listening = {
      ip: tcp.ip,
      port: tcp.port,
      confKey: 'conf key [tcp] port',
      transport,
      pauseOnConnect: tcp.workers > 0,
      isSecured,
      log,
    };
    this.#listener = new TcpListener(listening, connection => this.#accept(connection));
  }

  async start(): Promise<void> {
    await this.#readRoutes();
    await this.#server.start();
    await this.#listener.listen();
    this.#http = await startHealthServer({
      ...this.#config.http,
      confKey: 'conf key [http] port',
      health: () => dnsserverHealth(this.stats(), this.#uptimeMs(), this.#places()),
      registry: async () => this.#metrics(),
    });
    this.#schedulePoll();
    this.#log.info('dnsserver ready', { http: this.httpPort, ...this.#places() });
  }

  get tcpPort(): number {
    return this.#listener.port;
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  stats(): DnsserverStats {
    const { revision, kept, outage } = this.#watcher.status;
    return {
      modules: this.#watcher.routes.moduleCount,
      hosts: this.#watcher.routes.hostCount,
      connections: this.#connectionCount,
      workerConnections: this.#config.tcp.workers === 0 ? [] : this.#server.connections,
      subscriptions: this.#server.subscriptions,
      revision,
      kept: {
        modules: kept?.modules.size ?? 0,
        hosts: kept === undefined ? 0 : keptHostCount(kept),
        sinceMs: kept?.sinceMs ?? 0,
      },
      outage,
    };
  }

  async poll(): Promise<void> {
    await this.#watcher.poll();
    await this.#history.poll();
  }

  /** For new connections. */
  setSecurity(security: LinkSecurity): void {
    this.#server.setSecurity(security);
  }

  killWorker(worker: number): Promise<void> {
    return this.#server.killWorker(worker);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#pollTimer);
    this.#security.close();
    const watched = Promise.all([this.#watcher.stop(), this.#history.stop()]);
    await Promise.all([this.#listener.close(), this.#server.close(), this.#http?.close()]);
    await this.#transport.close();
    await watched;
    await this.#store.close();
  }

  async #readRoutes(): Promise<void> {
    try {
      await this.#watcher.start();
      this.#store.busyWaitMs = BUSY_WAIT_MS;
    } catch (cause) {
      if (cause instanceof StartupError) throw cause;
      const { file } = this.#config.database;
      throw new StartupError('DATABASE', `database ${file} (conf key [database] file) cannot be read: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** The interval runs from the end of one poll to the begin of the next. */
  #schedulePoll(): void {
    if (this.#stopping !== undefined) return;
    this.#pollTimer = setTimeout(() => void this.poll().then(() => this.#schedulePoll()), this.#config.routes.poll_interval);
  }

  #accept(connection: ByteConnection): void {
    if (this.#connectionCount >= this.#config.tcp.max_connections && !this.#server.makeRoom()) {
      this.#tcpCounters.add(tcpServerCounters.at.refused);
      connection.destroy();
      return;
    }
    this.#tcpCounters.add(tcpServerCounters.at.accepted);
    this.#server.serve(connection);
  }

  get #connectionCount(): number {
    return this.#server.connections.reduce((sum, count) => sum + count, 0);
  }

  #metrics(): ReturnType<typeof dnsserverMetrics> {
    const { counters, tcpCounters } = this.#server;
    return dnsserverMetrics([this.#counters, ...counters], [this.#tcpCounters, ...tcpCounters], () => this.stats(), {
      security: this.#security,
      transport: this.#transport,
      databaseFile: this.#config.database.file,
    });
  }

  /** Where it listens and with what, how its links are protected, and where its routes come from. */
  #places(): Readonly<Record<string, string | number>> {
    const tcp = `${this.#config.tcp.ip}:${this.tcpPort}`;
    return { tcp, ...engineDetails(this.#transport), database: this.#store.name, ...this.#security.details };
  }

  #uptimeMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }
}

function newRouteServer(deps: RouteServerDeps): RouteServer {
  return deps.tcp.workers === 0 ? new InlineRouteServer(deps) : new WorkerRouteServer(deps);
}
