/**
 * node:worker_threads for simulated processes. A thread is a process without a machine of its own; messages cross as copies, a moment later.
 * Its script was evaluated once for all (thread-script.ts), and is begun anew for each thread.
 */
import { EventEmitter } from 'node:events';
import { currentProcess, kernel } from './kernel.ts';
import { SimulatedProcess } from './process.ts';

const MESSAGE_MS = 0.3;
/** Most threads start soon, and some late, as on a busy machine: one may take requests long before another runs that it needs. */
const MAX_START_MS = 500;
const EXIT_CHECK_MS = 5;

export interface ThreadTaps {
  onThread(thread: SimulatedProcess, data: unknown): void;
  /** A message has reached a thread. */
  onMessage(thread: SimulatedProcess, message: unknown): void;
}

let taps: ThreadTaps | undefined;

export function tapThreads(given: ThreadTaps | undefined): void {
  taps = given;
}

export class MessagePort extends EventEmitter {
  other: MessagePort | undefined;
  readonly #pending: unknown[] = [];
  #reader: SimulatedProcess | undefined;
  #isClosed = false;

  postMessage(message: unknown, transferred: readonly unknown[] = []): void {
    if (this.#isClosed || this.other === undefined) return;
    this.other.#receive(transferred.length === 0 ? structuredClone(message) : message);
  }

  override on(event: string, listener: (...args: never[]) => void): this {
    super.on(event, listener as (...args: unknown[]) => void);
    if (event === 'message') {
      this.#reader = currentProcess();
      for (let i = 0; i < this.#pending.length; i++) this.#announce();
    }
    return this;
  }

  close(): void {
    this.#isClosed = true;
    this.emit('close');
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  takePending(): { readonly message: unknown } | undefined {
    if (this.#pending.length === 0) return undefined;
    const message = this.#pending.shift();
    if (this.#reader !== undefined) taps?.onMessage(this.#reader, message);
    return { message };
  }

  #receive(message: unknown): void {
    if (this.#isClosed) return;
    this.#pending.push(message);
    if (this.#reader !== undefined) this.#announce();
  }

  #announce(): void {
    kernel.schedule(kernel.random() * MESSAGE_MS, this.#reader, () => {
      const taken = this.#isClosed ? undefined : this.takePending();
      if (taken !== undefined) this.emit('message', taken.message);
    });
  }
}

export class MessageChannel {
  readonly port1 = new MessagePort();
  readonly port2 = new MessagePort();

  constructor() {
    this.port1.other = this.port2;
    this.port2.other = this.port1;
  }
}

export function receiveMessageOnPort(port: MessagePort): { readonly message: unknown } | undefined {
  return port.takePending();
}

/** Of the thread whose script begins now. */
export let parentPort: MessagePort | null = null;
export let workerData: unknown;

type Script = () => void;
const scripts = new Map<string, Script>();

/** @param url of the script's file */
export function rememberScript(url: string, begin: Script): void {
  scripts.set(url, begin);
}

export class Worker extends EventEmitter {
  readonly thread: SimulatedProcess;
  readonly #main = currentProcess();
  readonly #channel = new MessageChannel();

  constructor(script: URL, { workerData: data, name }: { readonly workerData: unknown; readonly name: string }) {
    super();
    this.thread = new SimulatedProcess(`${this.#main.name}/${name}`, this.#main.machine, this.#main);
    this.#channel.port1.on('message', (message: unknown) => this.emit('message', message));
    this.#channel.port2.once('close', () => this.#exitWhenDone());
    this.thread.atEnd(() => {
      if (this.#main.isAlive) kernel.schedule(0, this.#main, () => this.#tellExit());
    });
    kernel.schedule(kernel.random() ** 8 * MAX_START_MS, this.thread, () => {
      const begin = scripts.get(script.href);
      if (begin === undefined) throw new Error(`${script.href} is no script of a thread`);
      taps?.onThread(this.thread, data);
      parentPort = this.#channel.port2;
      workerData = data;
      begin();
    });
  }

  postMessage(message: unknown, transferred: readonly unknown[] = []): void {
    this.#channel.port1.postMessage(message, transferred);
  }

  async terminate(): Promise<void> {
    this.thread.end('killed');
  }

  /** What the thread has said comes before its end, as in Node.js. */
  #tellExit(): void {
    const { port1 } = this.#channel;
    for (let taken = port1.takePending(); taken !== undefined; taken = port1.takePending()) this.emit('message', taken.message);
    this.emit('exit', 0);
  }

  /** A thread ends when nothing keeps it alive. */
  #exitWhenDone(): void {
    const { thread } = this;
    if (thread.referencedTimers === 0 && thread.sockets === 0) thread.end('stopped');
    else kernel.schedule(EXIT_CHECK_MS, thread, () => this.#exitWhenDone());
  }
}
