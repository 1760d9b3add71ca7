/**
 * What every worker thread of the agent stands on: its mail from main, its direct ways to the other threads, its log (which main
 * prints: a thread that is blocked in a system call cannot), and its end.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { StartupError } from '@lars/runtime/errors';
import { compactMemoryIn } from '@lars/runtime/gc';
import { type Logger, recordLogger } from '@lars/runtime/log';
import type { TransportFacts } from '../udp/transport.ts';
import { type EndGuard, uninterrupted } from './end-guard.ts';
import type { MailFromMain, MailToMain, ModuleId, PeerMail, ThreadName } from './messages.ts';
import { COMPACT_DELAY_MS } from './thread-timing.ts';

export interface Thread<Data> {
  readonly name: ThreadName;
  /** What main gave this thread to start with. */
  readonly data: Data;
  readonly log: Logger;
  /** Posts to another thread. Before that thread is connected, and while it is being replaced, mail to it is lost. */
  post(to: ThreadName, mail: PeerMail): void;
  /** Nobody ends this thread during the work, see end-guard.ts. */
  uninterrupted<T>(work: () => Promise<T>): Promise<T>;
  /** Handles now what other threads have posted and this one has not read yet. */
  drain(): void;
}

export interface ThreadBody<Mail> {
  /** Told to main: the bound port and the transport of a shard; others leave them 0 and '', and say no facts. */
  readonly port: number;
  readonly transport: string;
  readonly facts?: TransportFacts;
  onMail(mail: Mail): void;
  /** A way to `peer` stands, for the first time or because that thread was replaced. */
  onConnect?(peer: ThreadName): void;
  /** Main asks about a module; plain data goes back. */
  onQuestion?(question: ModuleId): unknown;
  /** Finishes its work in order; afterwards the thread ends. */
  stop(): Promise<void>;
}

export interface ThreadData<Data> {
  readonly name: ThreadName;
  readonly data: Data;
  readonly guard: EndGuard;
}

/** Runs the body of a thread in a worker: call it once, at the top of the worker's module. */
export function runThread<Data, Mail>(start: (thread: Thread<Data>) => Promise<ThreadBody<Mail>>): void {
  const main = parentPort;
  if (main === null) throw new Error('this module runs as a worker thread of the agent');
  const { name, data, guard } = workerData as ThreadData<Data>;
  const peers = new Map<ThreadName, MessagePort>();
  const toMain = (mail: MailToMain) => main.postMessage(mail);
  // Mail can come before the body stands (the other threads start at the same moment): it waits.
  let body: ThreadBody<Mail> | undefined;
  const early: (() => void)[] = [];
  const whenStarted = (work: () => void) => (body === undefined ? early.push(work) : work());

  const thread: Thread<Data> = {
    name,
    data,
    log: recordLogger(record => toMain({ type: 'log', record }), { thread: name }),
    post: (to, mail) => peers.get(to)?.postMessage(mail),
    uninterrupted: work => uninterrupted(guard, work),
    drain: () => {
      for (const port of peers.values()) drainPort(port);
    },
  };

  const onMail = (mail: Mail) => whenStarted(() => body?.onMail(mail));
  const drainPort = (port: MessagePort) => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) onMail(next.message);
  };
  const connect = (peer: ThreadName, port: MessagePort) => {
    const replaced = peers.get(peer);
    peers.set(peer, port);
    if (replaced !== undefined) {
      // The last mail of the thread that died may not have been read yet.
      drainPort(replaced);
      replaced.close();
    }
    port.on('message', onMail);
    whenStarted(() => body?.onConnect?.(peer));
  };
  const stop = async () => {
    thread.drain();
    await body?.stop();
    for (const port of peers.values()) port.close();
    main.close();
  };
  main.on('message', (mail: MailFromMain) => {
    if (mail.type === 'connect') connect(mail.peer, mail.port);
    else if (mail.type === 'stop') whenStarted(() => void stop());
    else whenStarted(() => toMain({ type: 'answer', id: mail.id, answer: body?.onQuestion?.(mail.question) }));
  });

  start(thread).then(
    started => {
      body = started;
      for (const work of early.splice(0)) work();
      toMain({ type: 'ready', port: started.port, transport: started.transport, facts: started.facts });
      compactMemoryIn(COMPACT_DELAY_MS);
    },
    (error: unknown) => {
      if (!(error instanceof StartupError)) throw error;
      toMain({ type: 'startup-error', code: error.code, message: error.message });
    },
  );
}
