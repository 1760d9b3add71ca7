/** What every worker thread of the agent stands on: its messages from main, its direct ports to the other threads, and its end. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Logger } from '@lars/runtime/log';
import { WorkerEntry } from '@lars/runtime/threads/worker-entry';
import type { TransportFacts } from '../udp/transport.ts';
import { type EndGuard, uninterrupted } from './end-guard.ts';
import type { MailFromMain, MailToMain, ModuleId, PeerMail, ThreadName } from './messages.ts';

export interface Thread<Data> {
  readonly name: ThreadName;
  /** What main gave this thread to start with. */
  readonly data: Data;
  readonly log: Logger;
  /** Posts to another thread. Before that thread is connected, and while it is being replaced, messages to it are lost. */
  post(to: ThreadName, mail: PeerMail): void;
  /** Nobody terminates this thread during the work, see end-guard.ts. */
  uninterrupted<T>(work: () => Promise<T>): Promise<T>;
  /** Handles now the messages that other threads have posted and this one has not read yet. */
  drain(): void;
}

export interface ThreadBody<Mail> {
  /** A shard tells main its bound port, its transport and the transport's facts; other threads leave them 0, '' and undefined. */
  readonly port: number;
  readonly transport: string;
  readonly facts?: TransportFacts;
  onMail(mail: Mail): void;
  /** A port to `peer` is there, for the first time or because that thread was replaced. */
  onConnect?(peer: ThreadName): void;
  /** Main asks the thread to explain a module; the answer is plain data. */
  onQuestion?(question: ModuleId): unknown;
  /** Finishes the thread's work; afterwards the thread ends. */
  stop(): Promise<void>;
}

export interface ThreadData<Data> {
  readonly name: ThreadName;
  readonly data: Data;
  readonly guard: EndGuard;
}

/** Runs the body of a thread in a worker: call it once, at the top of the worker's script. */
export function runThread<Data, Mail>(start: (thread: Thread<Data>) => Promise<ThreadBody<Mail>>): void {
  const entry = new WorkerEntry<ThreadData<Data>, MailToMain, ThreadBody<Mail>>(({ name }) => ({ thread: name }));
  const { name, data, guard } = entry.data;
  const ports = new Map<ThreadName, MessagePort>();
  // Messages of other threads, which start at the same moment, may come before the body is there.
  const onMail = (mail: Mail) => entry.whenStarted(body => body.onMail(mail));
  const drainPort = (port: MessagePort) => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) onMail(next.message);
  };
  const drain = () => {
    for (const port of ports.values()) drainPort(port);
  };
  const connect = (peer: ThreadName, port: MessagePort) => {
    const replaced = ports.get(peer);
    ports.set(peer, port);
    if (replaced !== undefined) {
      // The last messages of the thread that died may not have been read yet.
      drainPort(replaced);
      replaced.close();
    }
    port.on('message', onMail);
    entry.whenStarted(body => body.onConnect?.(peer));
  };
  entry.run<MailFromMain>({
    start: () =>
      start({
        name,
        data,
        log: entry.log,
        post: (to, mail) => ports.get(to)?.postMessage(mail),
        uninterrupted: work => uninterrupted(guard, work),
        drain,
      }),
    readyMessage: ({ port, transport, facts }) => ({ type: 'ready', port, transport, facts }),
    onMessage: message => {
      if (message.type === 'connect') connect(message.peer, message.port);
      else {
        const { id, question } = message;
        entry.whenStarted(body => entry.post({ type: 'answer', id, answer: body.onQuestion?.(question) }));
      }
    },
    stop: async body => {
      drain();
      await body.stop();
      for (const port of ports.values()) port.close();
    },
  });
}
