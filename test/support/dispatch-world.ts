/** A dispatcher in the test's process, with clients; everything that is opened is closed after the test. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type DispatcherOptions, type RunningDispatcher, startDispatcher } from '@lars/dispatcher';
import { afterEach, expect } from 'vitest';
import { eventually } from './eventually.ts';
import { type RecordingLog, recordingLog } from './recording-log.ts';
import { ScriptedWorker } from './scripted-worker.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** What a test opens is closed after it. */
export function afterTest(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp);
}

/** How many the test's process has open. */
export const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-dispatch-'));
  afterTest(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface WorldOptions extends Partial<Omit<DispatcherOptions, 'pool'>> {
  readonly limits?: Partial<DispatcherOptions['pool']['limits']>;
  readonly queue?: Partial<DispatcherOptions['pool']['queue']>;
  readonly handOverMs?: number;
  /** Aborted when the process is to stop. */
  readonly stopping?: AbortSignal;
}

export interface DispatchWorld {
  readonly dispatcher: RunningDispatcher;
  readonly socketPath: string;
  readonly port: number;
  readonly log: RecordingLog;
  /** A worker that gets connections, and is known to. */
  join(options?: Parameters<typeof ScriptedWorker.join>[1]): Promise<ScriptedWorker>;
  connect(): Promise<Client>;
}

/** Times are so long that a busy machine does not change what happens; a test shortens those that it is about. */
export async function startDispatchWorld(options: WorldOptions = {}): Promise<DispatchWorld> {
  const { limits, queue, handOverMs = 60_000, stopping, ...others } = options;
  const log = recordingLog();
  const socketPath = options.socketPath ?? path.join(temporaryFolder(), 'dispatch.sock');
  const dispatcher = await startDispatcher(
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      backlog: 1_024,
      socketPath,
      socketMode: 0o600,
      refuseBy: 'reset',
      lastWaitMs: 50,
      pool: {
        limits: { maxPerWorker: 1_000_000, maxUntaken: 64, stallMs: 30_000, ...limits },
        queue: { maxConnections: 1_024, maxWaitMs: 60_000, ...queue },
        handOverMs,
        maxWorkers: 16,
      },
      processes: undefined,
      http: undefined,
      ...others,
    },
    { log: log.log, ...(stopping === undefined ? {} : { stopping }) },
  );
  afterTest(() => dispatcher.stop());
  const port = Number(dispatcher.places[0]?.split(':').at(-1));
  return {
    dispatcher,
    socketPath,
    port,
    log,
    join: async joining => {
      const before = dispatcher.counters.get('workersJoined');
      const worker = await ScriptedWorker.join(socketPath, joining);
      afterTest(() => worker.kill());
      await eventually('the worker joins', () => dispatcher.counters.get('workersJoined') > before);
      return worker;
    },
    connect: () => connectClient({ port, host: '127.0.0.1' }),
  };
}

export function readyWorkers(dispatcher: RunningDispatcher): number {
  return dispatcher.workers().filter(({ state }) => state === 'ready').length;
}

export interface Client {
  readonly socket: Socket;
  /** What has come so far. */
  text(): string;
  /** Undefined while the connection is open. */
  end(): 'ended' | 'reset' | undefined;
}

/** @param first is sent in the moment in which it connects */
export async function connectClient(
  to: { readonly port: number; readonly host: string } | { readonly path: string },
  first = '',
): Promise<Client> {
  const socket = connect({ ...to, allowHalfOpen: true });
  if (first !== '') socket.write(first);
  let text = '';
  let end: 'ended' | 'reset' | undefined;
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('end', () => {
    end ??= 'ended';
  });
  socket.on('error', () => {
    end ??= 'reset';
  });
  afterTest(() => socket.destroy());
  await eventually('the client is connected', () => !socket.connecting);
  return { socket, text: () => text, end: () => end };
}

/** Clients that connect one after the other, each with a message that must come back, and a clean end. */
export class ShortLoad {
  answered = 0;
  readonly #port: () => number;
  readonly #clients: readonly Promise<void>[];
  #isOver = false;

  /** @param port where to connect to now */
  constructor(clients: number, port: () => number) {
    this.#port = port;
    this.#clients = Array.from({ length: clients }, () => this.#run());
  }

  /** Resolves when the last ones have their answers; rejects with the first that did not. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const client = await connectClient({ host: '127.0.0.1', port: this.#port() }, 'short');
      await eventually('the end', () => client.end());
      expect([client.text(), client.end()]).toEqual(['short', 'ended']);
      client.socket.destroy();
      this.answered += 1;
    }
  }
}
