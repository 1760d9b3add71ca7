import { SharedCounters } from '@lars/runtime/counters';
import { exposeGc } from '@lars/runtime/gc';
import type { LinkSecurity } from '@lars/runtime/security/link-security';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { workerScript } from '@lars/runtime/threads/worker-supervisor';
import type { ByteConnection } from '@lars/runtime/transport/byte-connection';
import { type DnsserverCounter, dnsserverCounters, type WorkerGauge, workerGauges } from '../../counters.ts';
import type { Route } from '../../follow/route-table.ts';
import { RouteEncoder } from '../encoded-route.ts';
import type { RouteServer, RouteServerDeps } from '../route-server.ts';
import type { WorkerData } from './messages.ts';
import { WorkerPool, type WorkerStart } from './worker-pool.ts';
import { WorkerSubscriptions } from './worker-subscriptions.ts';

interface WorkerCounters {
  readonly counters: SharedCounters<DnsserverCounter>;
  readonly tcpCounters: SharedCounters<TcpServerCounter>;
  readonly gauges: SharedCounters<WorkerGauge>;
}

/**
 * Worker threads serve the connections; main keeps the table and sends each worker the modules that its connections asked for,
 * and no other (docs/decisions/0007-dnsserver-workers.md).
 */
export class WorkerRouteServer implements RouteServer {
  readonly #deps: RouteServerDeps;
  readonly #workers: readonly WorkerCounters[];
  readonly #pool: WorkerPool;
  readonly #subscriptions: WorkerSubscriptions;

  constructor(deps: RouteServerDeps) {
    const { tcp, routes, counters, log, clock } = deps;
    this.#deps = deps;
    this.#workers = Array.from({ length: tcp.workers }, newWorkerCounters);
    this.#subscriptions = new WorkerSubscriptions({
      workers: tcp.workers,
      encoder: new RouteEncoder(routes, counters, log),
      counters,
      post: (worker, message) => this.#pool.post(worker, message),
    });
    this.#pool = new WorkerPool({
      script: workerScript('./worker-thread', import.meta.url),
      data: this.#workers.map((worker, index) => workerData(index, worker, tcp, deps.transport.engine)),
      transport: deps.transport,
      log,
      clock,
      security: deps.security,
      random: Math.random,
      onSubscriptions: (worker, changes) => this.#subscriptions.applyChanges(worker, changes),
      onDeath: worker => this.#onDeath(worker),
    });
  }

  async start(): Promise<void> {
    exposeGc();
    await this.#pool.start();
  }

  makeRoom(): boolean {
    for (const worker of this.#workers.keys()) this.#pool.post(worker, { type: 'makeRoom' });
    return false;
  }

  setSecurity(security: LinkSecurity): void {
    for (const worker of this.#workers.keys()) this.#pool.post(worker, { type: 'security', security });
  }

  serve(connection: ByteConnection): void {
    if (!this.#pool.handOver(connection)) this.#deps.counters.add(dnsserverCounters.at.connectionsNotHandedOver);
  }

  publish(routes: readonly Route[], versionOnly: boolean): void {
    this.#subscriptions.publish(routes, versionOnly);
  }

  get connections(): readonly number[] {
    return this.#pool.connections;
  }

  get subscriptions(): number {
    return this.#workers.reduce((sum, { gauges }) => sum + gauges.get('subscriptions'), 0);
  }

  get counters(): RouteServer['counters'] {
    return this.#workers.map(worker => worker.counters);
  }

  get tcpCounters(): RouteServer['tcpCounters'] {
    return this.#workers.map(worker => worker.tcpCounters);
  }

  killWorker(worker: number): Promise<void> {
    return this.#pool.kill(worker);
  }

  async close(): Promise<void> {
    this.#subscriptions.stop();
    await this.#pool.stop();
  }

  #onDeath(worker: number): void {
    this.#deps.counters.add(dnsserverCounters.at.workerDeaths);
    this.#subscriptions.dropWorker(worker);
    this.#workers[worker]?.gauges.set(workerGauges.at.subscriptions, 0);
  }
}

function newWorkerCounters(): WorkerCounters {
  return {
    counters: new SharedCounters<DnsserverCounter>(dnsserverCounters),
    tcpCounters: new SharedCounters<TcpServerCounter>(tcpServerCounters),
    gauges: new SharedCounters<WorkerGauge>(workerGauges),
  };
}

function workerData(
  index: number,
  { counters, tcpCounters, gauges }: WorkerCounters,
  tcp: RouteServerDeps['tcp'],
  engine: WorkerData['engine'],
): WorkerStart {
  return { index, tcp, engine, counters: counters.buffer, tcpCounters: tcpCounters.buffer, gauges: gauges.buffer };
}
