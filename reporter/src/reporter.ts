import { MAX_BODY_BYTES } from '@lars/proto';
import { Backoff } from '@lars/runtime/backoff';
import { type Clock, systemClock } from '@lars/runtime/clock';
import { keepCompiledCode } from '@lars/runtime/compiled-code';
import { SharedCounters } from '@lars/runtime/counters';
import { type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { type LinkGuards, loadLinkGuards } from '@lars/runtime/security/load-link-guards';
import { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { FramedServer } from '@lars/runtime/tcp/framed-server';
import { openTransport } from '@lars/runtime/transport/open-transport';
import { engineDetails, type TcpTransport } from '@lars/runtime/transport/tcp-transport';
import type { ReporterConfig } from './config.ts';
import { type ReporterCounter, reporterCounters } from './counters.ts';
import { CallHistory } from './history/call-history.ts';
import { Pruner } from './history/pruner.ts';
import { ReportService } from './ingest/report-service.ts';
import { SeqLookup } from './ingest/seq-lookup.ts';
import { Flusher } from './queue/flusher.ts';
import { WriteQueue } from './queue/write-queue.ts';
import { reporterHealth } from './reporter-health.ts';
import { reporterMetrics } from './reporter-metrics.ts';
import type { ReporterStats } from './reporter-stats.ts';
import { OperationHealth } from './store/operation-health.ts';
import { openSqliteStatusStore } from './store/sqlite-status-store.ts';
import type { StatusStore } from './store/status-store.ts';
import { StoreChecker } from './store/store-checker.ts';

export interface ReporterDeps {
  readonly log: Logger;
  readonly clock?: Clock;
  /** Uniform in [0, 1), for the jitter between attempts to reach the database. */
  readonly random?: () => number;
  /** Replaces the database of the configuration. The reporter closes it. */
  readonly store?: StatusStore;
  /** Aborted: the start does not wait for a locked database any more. */
  readonly stopping?: AbortSignal;
}

export interface RunningReporter extends Service {
  readonly tcpPort: number;
  readonly httpPort: number;
  readonly counters: SharedCounters<ReporterCounter>;
  readonly tcpCounters: FramedServer['counters'];
  stats(): ReporterStats;
}

/** With these limits, the batch that is being written and the last bytes to the agents, stopping takes less than a second. */
const STOP_FLUSH_MS = 400;
const STOP_LINGER_MS = 200;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 5_000;

/**
 * Starts the reporter; resolves when it takes reports.
 * @throws {StartupError} when the database cannot be used or a port is taken
 */
export async function startReporter(config: ReporterConfig, deps: ReporterDeps): Promise<RunningReporter> {
  keepCompiledCode();
  const { log, clock = systemClock } = deps;
  const security = await SecurityKeeper.open(config.security, { log, clock, onChanged: files => guards.setSecurity(files) });
  const guards = await loadLinkGuards(security.current);
  let reporter: Reporter | undefined;
  let transport: TcpTransport | undefined;
  try {
    const { isSecured } = security;
    transport = await openTransport({ engine: config.tcp.engine, confKey: 'conf key [tcp] engine', isSecured }, log);
    const store = deps.store ?? (await openStore(config.database.file, deps.stopping));
    reporter = new Reporter(config, store, { ...deps, security, guards, transport });
    await reporter.start();
  } catch (error) {
    security.close();
    await reporter?.stop();
    await transport?.close();
    throw error;
  }
  return reporter;
}

/** What the reporter is given once the files of section [security] are read. */
interface OwnDeps extends ReporterDeps {
  readonly security: SecurityKeeper;
  readonly guards: LinkGuards;
  readonly transport: TcpTransport;
}

class Reporter implements RunningReporter {
  readonly name = 'reporter';
  /** Never resolves: an error while the reporter runs concerns one connection only, or is retried. */
  readonly failed = new Promise<Error>(() => {});
  readonly counters = new SharedCounters(reporterCounters);
  readonly #config: ReporterConfig;
  readonly #store: StatusStore;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #operations: readonly OperationHealth[];
  readonly #queue: WriteQueue;
  readonly #history: CallHistory;
  readonly #flusher: Flusher;
  readonly #lookup: SeqLookup;
  readonly #pruner: Pruner;
  readonly #checker: StoreChecker;
  readonly #service: ReportService;
  readonly #tcp: FramedServer;
  readonly #security: SecurityKeeper;
  readonly #transport: TcpTransport;
  #http: HealthServer | undefined;
  #lastError: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(config: ReporterConfig, store: StatusStore, deps: OwnDeps) {
    const { log, clock = systemClock, random = Math.random } = deps;
    const { queue, history } = config;
    const count = reporterCounters.at;
    const newBackoff = () => new Backoff(RETRY_MIN_MS, RETRY_MAX_MS, random);
    const retentionSec = history.retention * 3_600;
    const writes = this.#newOperation('storing reports', count.flushErrors, log);
    const lookups = this.#newOperation('looking up agents', count.lookupErrors, log);
    const prunes = this.#newOperation('removing old history', count.pruneErrors, log);
    const checks = this.#newOperation('using the database', count.checkErrors, log);
    this.#config = config;
    this.#store = store;
    this.#log = log;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#operations = [writes, lookups, prunes, checks];
    this.#queue = new WriteQueue({ maxRows: queue.max_rows, batchMaxRows: queue.batch_max_rows });
    this.#history = new CallHistory({ retentionSec, maxCounters: history.max_counters });
    this.#flusher = new Flusher({
      queue: this.#queue,
      store,
      flushIntervalMs: queue.flush_interval,
      backoff: newBackoff(),
      health: writes,
      clock,
      onStored: batch => this.#service.onStored(batch),
    });
    this.#lookup = new SeqLookup({ store, backoff: newBackoff(), health: lookups });
    this.#pruner = new Pruner({
      store,
      retentionSec,
      health: prunes,
      clock,
      onPruned: rows => this.counters.add(count.rowsPruned, rows),
    });
    this.#checker = new StoreChecker({ store, health: checks });
    this.#service = new ReportService({
      queue: this.#queue,
      onQueued: () => this.#flusher.onQueued(),
      history: this.#history,
      lookup: this.#lookup,
      maxParkedResults: queue.max_rows,
      clock,
      counters: this.counters,
    });
    this.#security = deps.security;
    this.#transport = deps.transport;
    this.#tcp = newServer(config.tcp, this.#service, deps);
  }

  async start(): Promise<void> {
    await this.#tcp.listen();
    this.#http = await startHealthServer({
      ...this.#config.http,
      confKey: 'conf key [http] port',
      health: () => reporterHealth(this.stats(), this.#clock.monotonicMs() - this.#startedMs, this.#places()),
      registry: async () =>
        reporterMetrics(this.counters, this.#tcp.counters, () => this.stats(), {
          security: this.#security,
          transport: this.#transport,
          databaseFile: this.#config.database.file,
        }),
    });
    this.#pruner.start();
    this.#checker.start();
    this.#log.info('reporter ready', { http: this.httpPort, ...this.#places() });
  }

  get tcpPort(): number {
    return this.#tcp.port;
  }

  get httpPort(): number {
    return this.#http?.port ?? 0;
  }

  get tcpCounters(): FramedServer['counters'] {
    return this.#tcp.counters;
  }

  stats(): ReporterStats {
    return {
      queueRows: this.#queue.rows,
      queueReports: this.#queue.reports,
      rememberedCounters: this.#history.counters.size,
      rowsStored: this.counters.get('rowsStored'),
      ...this.#service.stats(),
      outage: this.#operations.find(({ failure }) => failure !== undefined)?.failure,
      lastError: this.#lastError,
    };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Stores what is queued, and sends the acknowledgements of it before connections are closed. */
  async #stop(): Promise<void> {
    this.#security.close();
    this.#service.stopReading();
    this.#lookup.stop();
    this.#pruner.stop();
    this.#checker.stop();
    await this.#flusher.stop(STOP_FLUSH_MS);
    if (this.#queue.reports > 0) {
      this.#log.error('stopped without storing everything; agents that number their reports send theirs again', {
        reports: this.#queue.reports,
      });
    }
    await Promise.all([this.#tcp.close(STOP_LINGER_MS), this.#http?.close()]);
    await this.#transport.close();
    await this.#store.close();
  }

  #newOperation(what: string, counter: number, log: Logger): OperationHealth {
    const onFailed = (error: string) => {
      this.counters.add(counter);
      this.#lastError = error;
    };
    return new OperationHealth({ what, log, onFailed });
  }

  /** Where it listens and with what, how its links are protected, and where it stores. */
  #places(): Readonly<Record<string, string | number>> {
    const tcp = `${this.#config.tcp.ip}:${this.tcpPort}`;
    return { tcp, ...engineDetails(this.#transport), database: this.#store.place, ...this.#security.details };
  }
}

function openStore(file: string, stopping: AbortSignal | undefined): Promise<StatusStore> {
  return openSqliteStatusStore({ file, confKey: 'conf key [database] file', isStopped: () => stopping?.aborted === true });
}

function newServer(
  tcp: ReporterConfig['tcp'],
  service: ReportService,
  { log, security, guards, transport }: OwnDeps,
): FramedServer {
  const limits = {
    maxBodyBytes: MAX_BODY_BYTES,
    partialFrameTimeoutMs: tcp.partial_frame_timeout,
    maxWriteBufferBytes: tcp.max_write_buffer,
  };
  const { ip, port, max_connections: maxConnections } = tcp;
  const { newGuard } = guards;
  const { isSecured } = security;
  return new FramedServer(
    { ip, port, confKey: 'conf key [tcp] port', maxConnections, limits, log, newGuard, isSecured, transport },
    service,
  );
}
