import type { Socket } from 'node:net';
import { CounterBank } from '@lars/runtime/counters';
import { allowCompaction } from '@lars/runtime/gc';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { type DnsserverCounter, dnsserverCounters, type WorkerGauge, workerGauges } from '../../counters.ts';
import type { Route } from '../../follow/route.ts';
import { RouteEncoder } from '../route-encoder.ts';
import type { Front, FrontOptions } from '../route-server.ts';
import type { WorkerData } from './messages.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkerRoutes } from './worker-subscriptions.ts';

/** A worker's module is compiled beside this one, or is a source beside this source. */
const WORKER_MODULE = new URL(`./serving-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

interface Banks {
  readonly counters: CounterBank<DnsserverCounter>;
  readonly tcpCounters: CounterBank<TcpServerCounter>;
  readonly gauges: CounterBank<WorkerGauge>;
}

/**
 * Worker threads serve the connections; main keeps the table and tells each worker of the modules that its connections asked for,
 * and of no other (docs/decisions/0007-dnsserver-workers.md).
 */
export class WorkerFront implements Front {
  readonly #options: FrontOptions;
  readonly #banks: readonly Banks[];
  readonly #pool: WorkerPool;
  readonly #routes: WorkerRoutes;

  constructor(workers: number, options: FrontOptions) {
    const { routes, counters, log, clock } = options;
    this.#options = options;
    this.#banks = Array.from({ length: workers }, newBanks);
    this.#routes = new WorkerRoutes({
      workers,
      encoder: new RouteEncoder(routes, counters, log),
      counters,
      post: (worker, mail) => this.#pool.post(worker, mail),
    });
    this.#pool = new WorkerPool({
      module: WORKER_MODULE,
      data: this.#banks.map((banks, index) => workerData(index, banks, options)),
      log,
      clock,
      random: Math.random,
      onInterests: (worker, interests) => this.#routes.onInterests(worker, interests),
      onDied: worker => this.#onDied(worker),
    });
  }

  async start(): Promise<void> {
    allowCompaction();
    await this.#pool.start();
  }

  adopt(socket: Socket): void {
    if (!this.#pool.adopt(socket)) this.#options.counters.add(dnsserverCounters.at.connectionsNotHandedOver);
  }

  publish(routes: readonly Route[], quiet: boolean): void {
    this.#routes.publish(routes, quiet);
  }

  get connections(): readonly number[] {
    return this.#pool.connections;
  }

  get subscriptions(): number {
    return this.#banks.reduce((sum, { gauges }) => sum + gauges.get('subscriptions'), 0);
  }

  get counters(): Front['counters'] {
    return this.#banks.map(banks => banks.counters);
  }

  get tcpCounters(): Front['tcpCounters'] {
    return this.#banks.map(banks => banks.tcpCounters);
  }

  killWorker(worker: number): Promise<void> {
    return this.#pool.kill(worker);
  }

  async close(): Promise<void> {
    this.#routes.stop();
    await this.#pool.stop();
  }

  #onDied(worker: number): void {
    this.#options.counters.add(dnsserverCounters.at.workerDeaths);
    this.#routes.forget(worker);
    this.#banks[worker]?.gauges.put(workerGauges.at.subscriptions, 0);
  }
}

function newBanks(): Banks {
  return {
    counters: new CounterBank<DnsserverCounter>(dnsserverCounters),
    tcpCounters: new CounterBank<TcpServerCounter>(tcpServerCounters),
    gauges: new CounterBank<WorkerGauge>(workerGauges),
  };
}

function workerData(index: number, banks: Banks, { limits, maxSubscriptions }: FrontOptions): WorkerData {
  return {
    index,
    limits,
    maxSubscriptions,
    counters: banks.counters.buffer,
    tcpCounters: banks.tcpCounters.buffer,
    gauges: banks.gauges.buffer,
  };
}
