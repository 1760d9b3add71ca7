import { type Clock, systemClock } from '@lars/runtime/clock';
import { keepCompiledCode } from '@lars/runtime/compiled-code';
import { SharedCounters } from '@lars/runtime/counters';
import { StartupError } from '@lars/runtime/errors';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { processLimits } from '@lars/runtime/start-limits';
import { agentPorts, type ProxyConfig } from './config.ts';
import { ConnectionLimits } from './connection-limits.ts';
import { type ProxyCounter, type ProxyGauge, proxyCounters, proxyGauges } from './counters.ts';
import { keepHeapSmall } from './heap.ts';
import { type ListenerRules, readListeners } from './listen/listener-rules.ts';
import { listenerWarnings } from './listen/listener-warnings.ts';
import { type CoreOptions, type CoreStatus, type ProxyCore, startCore } from './proxy-core.ts';
import { proxyHealth } from './proxy-health.ts';
import { proxyMetrics } from './proxy-metrics.ts';
import { type ProxyStatus, proxyStatus } from './proxy-status.ts';
import { CoreThreads } from './threads/core-threads.ts';

export interface ProxyDeps {
  readonly log: Logger;
  readonly clock?: Clock;
  /** 'ADDRESS=MODID/CMDID', beside the listeners of the configuration. */
  readonly listen?: readonly string[];
}

export interface RunningProxy extends Service {
  /** Where it listens, for each listener in the order of the conf, those of `listen` last. */
  readonly places: readonly string[];
  readonly httpPort: number;
  /** How sockets are served. */
  readonly engine: string;
  status(): Promise<ProxyStatus>;
}

/** Beyond drain_time, for what is reset then and for the threads to end. */
const STOP_MS = 3_000;
/** What is open beside connections: of the process, and of each thread. */
const OWN_FILES = 64;
const THREAD_FILES = 16;
const STATUS_PATH = '/proxy';

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
  readonly stopDeadlineMs: number;
  readonly #config: ProxyConfig;
  readonly #rules: readonly ListenerRules[];
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #counters: readonly SharedCounters<ProxyCounter>[];
  readonly #gauges: readonly SharedCounters<ProxyGauge>[];
  readonly #limits: ConnectionLimits;
  /** [proxy] max_connections, or what the open files allow. */
  readonly #maxConnections: number;
  readonly #onFailed: (error: Error) => void;
  #core: ProxyCore | undefined;
  #threads: CoreThreads | undefined;
  #http: HealthServer | undefined;
  #engine: CoreStatus['engine'] | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: ProxyConfig, rules: readonly ListenerRules[], { log, clock = systemClock }: ProxyDeps) {
    const { threads, drain_time: drainMs } = config.proxy;
    const failed = Promise.withResolvers<Error>();
    this.failed = failed.promise;
    this.#onFailed = failed.resolve;
    this.stopDeadlineMs = drainMs + STOP_MS;
    this.#config = config;
    this.#rules = rules;
    this.#log = log;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#counters = Array.from({ length: threads }, () => new SharedCounters(proxyCounters));
    this.#gauges = Array.from({ length: threads }, () => new SharedCounters(proxyGauges));
    this.#limits = new ConnectionLimits(rules.length, { threads });
    this.#maxConnections = Math.min(config.proxy.max_connections, connectionsWithin(processLimits().openFiles, threads));
  }

  async start(): Promise<void> {
    keepHeapSmall();
    const { http, proxy } = this.#config;
    for (const warning of listenerWarnings(this.#rules)) this.#log.warn(warning);
    if (this.#maxConnections < proxy.max_connections) {
      this.#log.warn('open files (ulimit -n; LimitNOFILE of systemd) allow fewer connections than [proxy] max_connections', {
        openFiles: processLimits().openFiles,
        maxConnections: proxy.max_connections,
        allowed: this.#maxConnections,
      });
    }
    this.#http = await startHealthServer({
      ...http,
      confKey: 'conf key [http] port',
      health: () => proxyHealth(this.#view()),
      registry: async () => proxyMetrics(this.#counters, this.#gauges),
      document: async path => (path === STATUS_PATH ? this.status() : undefined),
    });
    if (proxy.threads === 1) await this.#startCore();
    else await this.#startThreads();
    this.#engine = (await this.#statuses())[0]?.engine;
    this.#log.info('proxy ready', { http: this.httpPort, listens: this.places.join(', '), engine: this.engine });
  }

  get places(): readonly string[] {
    return this.#threads?.places ?? this.#core?.places ?? [];
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
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const open = this.#limits.total;
    if (open > 0)
      this.#log.info('open connections have time to end', { connections: open, drainMs: this.#config.proxy.drain_time });
    await this.#core?.stop(this.#config.proxy.drain_time);
    await this.#threads?.stop();
    await this.#http?.close();
  }

  async #startCore(): Promise<void> {
    this.#core = await startCore(this.#coreOptions(), {
      log: this.#log,
      clock: this.#clock,
      counters: this.#counters[0] as SharedCounters<ProxyCounter>,
      gauges: this.#gauges[0] as SharedCounters<ProxyGauge>,
      limits: this.#limits,
    });
  }

  async #startThreads(): Promise<void> {
    this.#threads = await CoreThreads.start(this.#coreOptions(), this.#config.proxy.drain_time, {
      log: this.#log,
      clock: this.#clock,
      counters: this.#counters,
      gauges: this.#gauges,
      limits: this.#limits,
    });
    void this.#threads.failed.then(this.#onFailed);
  }

  #coreOptions(): CoreOptions {
    const { agent, proxy } = this.#config;
    return {
      rules: this.#rules,
      engine: proxy.engine,
      reusePort: false,
      listensOnPaths: true,
      agent: {
        host: agent.host,
        ports: agentPorts(agent.ports),
        ...(agent.routes_file === '' ? {} : { routesFile: agent.routes_file }),
        ...(agent.zone === '' ? {} : { zone: agent.zone }),
      },
      maxConnections: this.#maxConnections,
      maxHostConnections: Math.floor(proxy.max_host_connections / proxy.threads),
      failCoolDownMs: proxy.fail_cool_down,
      logLinesPerSecond: Math.ceil(proxy.log_lines / proxy.threads),
    };
  }

  async #statuses(): Promise<readonly CoreStatus[]> {
    if (this.#threads !== undefined) return this.#threads.statuses();
    return this.#core === undefined ? [] : [this.#core.status()];
  }

  #view() {
    return {
      uptimeMs: this.#clock.monotonicMs() - this.#startedMs,
      rules: this.#rules,
      places: this.places,
      threads: this.#config.proxy.threads,
      // Those that have nothing left to do end before the others.
      deadThreads: this.#stopping === undefined ? (this.#threads?.deadThreads ?? 0) : 0,
      engine: this.engine,
      isDraining: this.#stopping !== undefined,
      maxConnections: this.#maxConnections,
      limits: this.#limits,
      counters: this.#counters,
      gauges: this.#gauges,
    };
  }
}

/**
 * How many connections so many open files allow, each with one to its host. Beyond them a client would be accepted, and lose its connection because none
 * to a host can be opened; and the process's own files would be short.
 */
function connectionsWithin(openFiles: number, threads: number): number {
  return Math.max(1, Math.floor((openFiles - OWN_FILES - threads * THREAD_FILES) / 2));
}
