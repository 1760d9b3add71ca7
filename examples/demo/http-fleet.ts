/** Real HTTP servers that stand for the hosts of a module, and that can be made to fail. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkQueue } from './work-queue.ts';

/** How a server behaves while it runs. */
export interface Behaviour {
  /** The mean time to answer, ms. */
  readonly latencyMs: number;
  /** By which part of that an answer may take less or more, 0..1; 0: all answers take the same time. */
  readonly spread: number;
  /** Which share of the requests is answered with status 500; 0..1. */
  readonly errorRate: number;
  /** At how many requests it works at a time; the others wait in it. Infinity: no limit. */
  readonly slots: number;
}

export interface FleetOptions {
  readonly hosts: number;
  readonly behaviour: Behaviour;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const IP = '127.0.0.1';
const HTTP_ERROR = 500;
const RELISTEN_ATTEMPTS = 20;
const RELISTEN_PAUSE_MS = 50;

export interface HttpFleet {
  readonly hosts: readonly HttpHost[];
  stop(): Promise<void>;
}

/** Starts servers on free ports of the loopback. */
export async function startFleet({ hosts: count, behaviour, random }: FleetOptions): Promise<HttpFleet> {
  const hosts = Array.from({ length: count }, () => new HttpHost(behaviour, random));
  const stop = async () => {
    await Promise.all(hosts.map(host => host.stop()));
  };
  try {
    await Promise.all(hosts.map(host => host.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { hosts, stop };
}

/** One server. It keeps its port from the first start on. */
export class HttpHost {
  readonly ip = IP;
  readonly #random: () => number;
  readonly #work: WorkQueue;
  #behaviour: Behaviour;
  #server: Server | undefined;
  #port = 0;
  #requests = 0;

  constructor(behaviour: Behaviour, random: () => number) {
    this.#behaviour = behaviour;
    this.#random = random;
    this.#work = new WorkQueue(behaviour.slots);
  }

  /** 0 before the first start. */
  get port(): number {
    return this.#port;
  }

  get authority(): string {
    return `${IP}:${this.#port}`;
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  /** Requests that have reached it. */
  get requests(): number {
    return this.#requests;
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  /** Requests that wait in it for others to end. */
  get waiting(): number {
    return this.#work.waiting;
  }

  /** From the next request on; more slots are for those that wait, too. */
  behave(change: Partial<Behaviour>): void {
    this.#behaviour = { ...this.#behaviour, ...change };
    this.#work.resize(this.#behaviour.slots);
  }

  /** Listens, on the same port as before. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = await listenAgain(() => this.#create(), this.#port);
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** As a crash would: open connections are cut, new ones are refused. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /**
   * Only the callers end unused connections. If the server did so too, a request could cross with the end of its connection, and a healthy
   * host would fail it.
   */
  #create(): Server {
    return createServer({ keepAliveTimeout: 0 }, (request, response) => this.#answer(request, response));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#requests += 1;
    request.resume();
    const { latencyMs, spread, errorRate } = this.#behaviour;
    const status = this.#random() < errorRate ? HTTP_ERROR : 200;
    const workMs = latencyMs * (1 + spread * (2 * this.#random() - 1));
    let timer: NodeJS.Timeout | undefined;
    const leave = this.#work.add(() => {
      timer = setTimeout(() => response.writeHead(status, { 'content-type': 'text/plain' }).end(`${this.authority}\n`), workMs);
    });
    response.once('close', () => {
      clearTimeout(timer);
      leave();
    });
  }
}

/** While a server was stopped, the kernel may have lent its port to an outgoing connection, for a moment. */
async function listenAgain(create: () => Server, port: number): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const server = create();
    try {
      server.listen(port, IP);
      await once(server, 'listening');
      return server;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === RELISTEN_ATTEMPTS) throw error;
      await sleep(RELISTEN_PAUSE_MS);
    }
  }
}
