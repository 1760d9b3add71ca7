import { setTimeout } from 'node:timers/promises';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { keepCompiledCode } from '@lars/runtime/compiled-code';
import { SharedCounters } from '@lars/runtime/counters';
import { StartupError } from '@lars/runtime/errors';
import { HttpAfterPredecessor } from '@lars/runtime/http/after-predecessor';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { processLimits } from '@lars/runtime/start-limits';
import { HandOver } from '@lars/runtime/succession/hand-over';
import type { Succession } from '@lars/runtime/succession/succession';
import { agentPorts, type ProxyConfig } from './config.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { type Cores, OneCore } from './cores.ts';
import {
  type ProxyCounter,
  type ProxyGauge,
  proxyCounters,
  proxyGauges,
  type ThreadCounter,
  type ThreadGauge,
  threadCounters,
  threadGauges,
} from './counters.ts';
import { keepHeapSmall } from './heap.ts';
import { type ListenerRules, readListeners } from './listen/listener-rules.ts';
import { listenerWarnings } from './listen/listener-warnings.ts';
import { Listening } from './listening.ts';
import { connectionsWithin, filesFor } from './open-files.ts';
import type { AgentPlace, CoreOptions, CoreStatus } from './proxy-core.ts';
import { proxyHealth } from './proxy-health.ts';
import { proxyMetrics } from './proxy-metrics.ts';
import { type ProxyStatus, proxyStatus } from './proxy-status.ts';
import { requireRoutes } from './require-routes.ts';
import { takeoverPath } from './takeover-path.ts';
import { CoreThreads } from './threads/core-threads.ts';
import { SocketShares } from './threads/socket-shares.ts';

export interface ProxyDeps {
  readonly log: Logger;
  readonly clock?: Clock;
  /** 'ADDRESS=MODID/CMDID', beside the listeners of the configuration. */
  readonly listen?: readonly string[];
  /** Takes over from the proxy that runs, if one does. */
  readonly takesOver?: boolean;
  /** Descriptors that listen already, opened by whoever has started this process; those that are at the place of a listener are used, and closed otherwise. */
  readonly inheritedFds?: readonly number[];
  /** Where the socket is at which a successor asks, unless the conf says it: the folder that systemd has made for the service. */
  readonly takeoverFolder?: string | undefined;
  /** Aborted when the process is to stop: a start then takes over from nobody any more. */
  readonly stopping?: AbortSignal;
}

export interface RunningProxy extends Service {
  /** Where it listens, for each listener in the order of the conf, those of `listen` last. */
  readonly places: readonly string[];
  readonly httpPort: number;
  /** How sockets are served. */
  readonly engine: string;
  readonly handOver: HandOver;
  status(): Promise<ProxyStatus>;
}

/** Beyond drain_time, for what is reset then and for the threads to end. */
const STOP_MS = 3_000;
const STATUS_PATH = '/proxy';
const HTTP_KEY = 'conf key [http] port';

/**
 * Starts the proxy; resolves when it accepts connections.
 * @throws {StartupError} when the conf has no listener or one that makes no sense, and when a port is taken
 */
export async function startProxy(config: ProxyConfig, deps: ProxyDeps): Promise<RunningProxy> {
  keepCompiledCode();
  const rules = readListeners(config, deps.listen);
  if (typeof rules === 'string') throw new StartupError('BAD_CONFIG', rules);
  if (rules.length === 0) {
    throw new StartupError(
      'BAD_CONFIG',
      'there is no listener: give --listen ADDRESS=MODID/CMDID, or a section [listen NAME] in proxy.ini',
    );
  }
  const { threads, max_host_connections: maxHostConnections } = config.proxy;
  if (maxHostConnections > 0 && maxHostConnections < threads) {
    throw new StartupError(
      'BAD_CONFIG',
      `[proxy] max_host_connections = ${maxHostConnections} is less than threads = ${threads}`,
    );
  }
  const proxy = new ProxyService(config, rules, deps);
  try {
    await proxy.start();
  } catch (error) {
    await proxy.stop();
    throw error;
  }
  return proxy;
}

class ProxyService implements RunningProxy {
  readonly name = 'proxy';
  readonly failed: Promise<Error>;
  readonly handOver = new HandOver();
  readonly stopDeadlineMs: number;
  readonly #config: ProxyConfig;
  readonly #rules: readonly ListenerRules[];
  readonly #deps: ProxyDeps;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #counters: readonly SharedCounters<ProxyCounter>[];
  readonly #gauges: readonly SharedCounters<ProxyGauge>[];
  readonly #threadCounters: readonly SharedCounters<ThreadCounter>[];
  readonly #threadGauges: readonly SharedCounters<ThreadGauge>[];
  readonly #limits: ConnectionLimits;
  /** [proxy] max_connections, or what the open files allow. */
  readonly #maxConnections: number;
  readonly #onFailed: (error: Error) => void;
  /** Undefined on node:net, which cannot be given a socket. */
  #listening: Listening | undefined;
  #cores: Cores | undefined;
  #http: HealthServer | undefined;
  #engine: CoreStatus['engine'] | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: ProxyConfig, rules: readonly ListenerRules[], deps: ProxyDeps) {
    const { log, clock = systemClock } = deps;
    const { threads, drain_time: drainMs } = config.proxy;
    const failed = Promise.withResolvers<Error>();
    this.failed = failed.promise;
    this.#onFailed = failed.resolve;
    this.stopDeadlineMs = drainMs + STOP_MS;
    this.#config = config;
    this.#rules = rules;
    this.#deps = deps;
    this.#log = log;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#counters = Array.from({ length: threads }, () => new SharedCounters(proxyCounters));
    this.#gauges = Array.from({ length: threads }, () => new SharedCounters(proxyGauges));
    this.#threadCounters = this.#counters.map(() => new SharedCounters(threadCounters));
    this.#threadGauges = this.#counters.map(() => new SharedCounters(threadGauges));
    this.#limits = new ConnectionLimits(rules.length, { threads });
    this.#maxConnections = Math.min(
      config.proxy.max_connections,
      connectionsWithin(processLimits().openFiles, { threads, listeners: rules.length }),
    );
  }

  async start(): Promise<void> {
    keepHeapSmall();
    const { proxy } = this.#config;
    for (const warning of listenerWarnings(this.#rules)) this.#log.warn(warning);
    if (this.#maxConnections < proxy.max_connections) {
      this.#log.warn('open files (ulimit -n; LimitNOFILE of systemd) allow fewer connections than [proxy] max_connections', {
        openFiles: processLimits().openFiles,
        maxConnections: proxy.max_connections,
        allowed: this.#maxConnections,
      });
    }
    this.#listening = await this.#listen();
    const { takesOver = false, stopping } = this.#deps;
    if (this.#listening?.hasPredecessor === true) await requireRoutes(this.#rules, this.#agent(), stopping);
    if (!takesOver) this.#http = await this.#serveHttp();
    const cores = await this.#startCores();
    this.#engine = (await this.#statuses())[0]?.engine;
    await cores.serve();
    this.handOver.watchdogMs = await this.#listening?.begin(cores);
    // One that was told to stop, and hands over nothing, has its port until its connections have ended.
    if (takesOver) {
      const place = { ...this.#config.http, confKey: HTTP_KEY };
      const start = () => this.#serveHttp();
      this.#http = await HttpAfterPredecessor.open(place, { log: this.#log, start, wait: ms => setTimeout(ms) });
    }
    this.#log.info('proxy ready', { http: this.httpPort, listens: this.places.join(', '), engine: this.engine });
  }

  get places(): readonly string[] {
    return this.#listening?.sockets.places ?? this.#cores?.places ?? [];
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  get engine(): string {
    return this.#engine?.kind ?? 'none';
  }

  async status(): Promise<ProxyStatus> {
    return proxyStatus(this.#view(), await this.#statuses());
  }

  stop(): Promise<void> {
    // A process that has handed over may be told to hurry.
    if (this.#stopping !== undefined) this.#cores?.limitDrain(this.#config.proxy.drain_time);
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#listening?.close(this.#cores);
    await this.#drain(this.#config.proxy.drain_time);
    await this.#http?.close();
  }

  /** Another process accepts: what it has not taken is closed, and open connections have time to end. */
  async #leaveTo(succession: Succession, claimed: ReadonlySet<number>): Promise<void> {
    this.#log.info('another process takes over', { successor: succession.pid, sockets: claimed.size });
    await this.#listening?.leave(this.#cores, claimed);
    await this.#http?.close();
    succession.release(this.handOver.announce(succession.pid));
    succession.close();
    await this.#drain(this.#config.proxy.takeover_drain_time);
    this.#log.info('handed over');
    this.handOver.finish();
  }

  async #drain(drainMs: number): Promise<void> {
    const connections = this.#limits.total;
    if (connections > 0) this.#log.info('open connections have time to end', { connections, drainMs });
    await this.#cores?.stop(drainMs);
    await this.#listening?.engine.close();
  }

  async #listen(): Promise<Listening | undefined> {
    const { proxy } = this.#config;
    const { takesOver = false, inheritedFds = [], takeoverFolder, stopping } = this.#deps;
    return Listening.open(
      this.#rules,
      {
        engine: proxy.engine,
        threads: proxy.threads,
        takeoverPath: takeoverPath(proxy.takeover_socket, takeoverFolder),
        takesOver,
        inheritedFds,
        stopping,
      },
      {
        log: this.#log,
        clock: this.#clock,
        onSuccessor: (succession, claimed) => {
          this.#stopping ??= this.#leaveTo(succession, claimed);
        },
      },
    );
  }

  async #startCores(): Promise<Cores> {
    const { threads } = this.#config.proxy;
    const deps = { log: this.#log, clock: this.#clock, limits: this.#limits };
    const listening = this.#listening;
    if (threads === 1) {
      const [counters, gauges] = [this.#counters[0], this.#gauges[0]] as [
        SharedCounters<ProxyCounter>,
        SharedCounters<ProxyGauge>,
      ];
      const own = { ...deps, counters, gauges, ...(listening === undefined ? {} : { engine: listening.engine }) };
      this.#cores = await OneCore.start(this.#coreOptions(), own, listening?.sockets);
    } else {
      const [counters, gauges, onFailed] = [this.#counters, this.#gauges, this.#onFailed];
      const shares = listening === undefined ? undefined : new SocketShares(threads, listening);
      this.#cores = await CoreThreads.start(this.#coreOptions(), {
        ...deps,
        counters,
        gauges,
        threadCounters: this.#threadCounters,
        threadGauges: this.#threadGauges,
        shares,
        onFailed,
      });
    }
    return this.#cores;
  }

  #serveHttp(): Promise<HealthServer> {
    return startHealthServer({
      ...this.#config.http,
      confKey: HTTP_KEY,
      health: () => proxyHealth(this.#view()),
      registry: async () => proxyMetrics(this.#view()),
      document: async path => (path === STATUS_PATH ? this.status() : undefined),
    });
  }

  #coreOptions(): CoreOptions {
    const { proxy } = this.#config;
    return {
      rules: this.#rules,
      engine: proxy.engine,
      opensListeners: this.#listening === undefined,
      reusePort: false,
      isFirst: true,
      agent: this.#agent(),
      maxConnections: this.#maxConnections,
      maxHostConnections: Math.floor(proxy.max_host_connections / proxy.threads),
      failCoolDownMs: proxy.fail_cool_down,
      logLinesPerSecond: Math.ceil(proxy.log_lines / proxy.threads),
    };
  }

  #agent(): AgentPlace {
    const { agent } = this.#config;
    return {
      host: agent.host,
      ports: agentPorts(agent.ports),
      ...(agent.routes_file === '' ? {} : { routesFile: agent.routes_file }),
      ...(agent.zone === '' ? {} : { zone: agent.zone }),
    };
  }

  async #statuses(): Promise<readonly CoreStatus[]> {
    return (await this.#cores?.statuses()) ?? [];
  }

  #view() {
    return {
      uptimeMs: this.#clock.monotonicMs() - this.#startedMs,
      rules: this.#rules,
      places: this.places,
      threads: this.#config.proxy.threads,
      engine: this.engine,
      isDraining: this.#stopping !== undefined,
      maxConnections: this.#maxConnections,
      neededFiles: filesFor(this.#config.proxy.max_connections, {
        threads: this.#config.proxy.threads,
        listeners: this.#rules.length,
      }),
      limits: this.#limits,
      counters: this.#counters,
      gauges: this.#gauges,
      threadCounters: this.#threadCounters,
      threadGauges: this.#threadGauges,
    };
  }
}
