/** What every worker thread of the agent stands on: its messages from main, its direct ports to the other threads, and its end. */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Logger } from '@lars/runtime/log';
import type { LinkSecurity } from '@lars/runtime/security/link-security';
import { type TerminationLock, withoutTermination } from '@lars/runtime/threads/termination-lock';
import { WorkerEntry } from '@lars/runtime/threads/worker-entry';
import type { TransportFacts } from '../udp/transport.ts';
import { beat, HEARTBEAT_MS, type Heartbeat } from './heartbeats.ts';
import type { MessageFromMain, MessageToMain, ShardQuery, ThreadMessage, ThreadName } from './messages.ts';

export interface Thread<Data> {
  readonly name: ThreadName;
  /** What main gave this thread to start with. */
  readonly data: Data;
  readonly log: Logger;
  /** Posts to another thread. Before that thread is connected, and while it is being replaced, messages to it are lost. */
  post(to: ThreadName, message: ThreadMessage): void;
  postToMain(message: MessageToMain): void;
  /** Nobody terminates this thread during the work, see termination-lock.ts. */
  withoutTermination<T>(work: () => Promise<T>): Promise<T>;
  /** Handles now the messages that other threads have posted and this one has not read yet. */
  drain(): void;
}

export interface ThreadBody<Message> {
  /** A shard tells main its bound port, its transport and the transport's facts; other threads leave them 0, '' and undefined. */
  readonly port: number;
  readonly transport: string;
  readonly facts?: TransportFacts;
  onMessage(message: Message): void;
  /** A port to `thread` is there, for the first time or because that thread was replaced. */
  onConnect?(thread: ThreadName): void;
  /** The files that protect the links have changed. */
  onSecurity?(security: LinkSecurity): void;
  /** Main asks a shard; the answer is plain data, or a promise of it that never rejects. */
  answer?(query: ShardQuery): unknown;
  /** Finishes the thread's work; afterwards the thread ends. */
  stop(): Promise<void>;
}

export interface ThreadData<Data> {
  readonly name: ThreadName;
  readonly data: Data;
  readonly lock: TerminationLock;
  readonly heartbeat: Heartbeat;
}

/** Runs the body of a thread in a worker: call it once, at the top of the worker's script. */
export function runThread<Data, Message>(start: (thread: Thread<Data>) => Promise<ThreadBody<Message>>): void {
  const entry = new WorkerEntry<ThreadData<Data>, MessageToMain, ThreadBody<Message>>(({ name }) => ({ thread: name }));
  const { name, data, lock, heartbeat } = entry.data;
  // It keeps no thread alive that has ended its work.
  setInterval(() => beat(heartbeat), HEARTBEAT_MS).unref();
  const ports = new Map<ThreadName, MessagePort>();
  // Messages of other threads, which start at the same moment, may come before the body is there.
  const onMessage = (message: Message) => entry.whenStarted(body => body.onMessage(message));
  const drainPort = (port: MessagePort) => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) onMessage(next.message);
  };
  const drain = () => {
    for (const port of ports.values()) drainPort(port);
  };
  const connect = (thread: ThreadName, port: MessagePort) => {
    const replaced = ports.get(thread);
    ports.set(thread, port);
    if (replaced !== undefined) {
      // The last messages of the thread that died may not have been read yet.
      drainPort(replaced);
      replaced.close();
    }
    port.on('message', onMessage);
    entry.whenStarted(body => body.onConnect?.(thread));
  };
  entry.run<MessageFromMain>({
    start: () =>
      start({
        name,
        data,
        log: entry.log,
        post: (to, message) => ports.get(to)?.postMessage(message),
        postToMain: message => entry.post(message),
        withoutTermination: work => withoutTermination(lock, work),
        drain,
      }),
    readyMessage: ({ port, transport, facts }) => ({ type: 'ready', port, transport, facts }),
    onMessage: message => {
      if (message.type === 'connect') connect(message.thread, message.port);
      else if (message.type === 'security') entry.whenStarted(body => body.onSecurity?.(message.security));
      else {
        const { id, query } = message;
        entry.whenStarted(async body => entry.post({ type: 'answer', id, answer: await body.answer?.(query) }));
      }
    },
    stop: async body => {
      drain();
      await body.stop();
      for (const port of ports.values()) port.close();
    },
  });
}
