/** What the suites of the reactor share: an engine of each kind that runs here, handlers that note what they are told, and remotes on plain node:net. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloseReason, Connection, ConnectionHandler, Listener, ListenOptions } from '@lars/reactor';
import { createEngine, type Engine, type EngineKind } from '@lars/reactor';
import { afterEach, describe } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { kinds } from '../support/running-engines.ts';

export { kinds, nativeKinds } from '../support/running-engines.ts';

/** Runs a suite with each engine. */
export function describeEngines(name: string, suite: (kind: EngineKind) => void, which: readonly EngineKind[] = kinds): void {
  for (const kind of which) describe(`${name}, ${kind}`, () => suite(kind));
}

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** What a test opens is closed after it. */
export function afterTest(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp);
}

export interface LogLine {
  readonly level: string;
  readonly event: string;
}

export async function openEngine(kind: EngineKind, lines: LogLine[] = []): Promise<Engine> {
  const at = (level: string) => (event: string) => void lines.push({ level, event });
  const engine = await createEngine({ kind }, { log: { info: at('info'), warn: at('warn'), error: at('error') } });
  afterTest(() => engine.close());
  return engine;
}

/** Notes what it is told of one connection. */
export class NotingHandler implements ConnectionHandler {
  readonly events: string[] = [];
  readonly chunks: Buffer[] = [];
  bytes = 0;
  reason: CloseReason | undefined;
  error: Error | undefined;

  onData(_connection: Connection, bytes: Uint8Array): unknown {
    this.chunks.push(Buffer.from(bytes));
    this.bytes += bytes.length;
    if (this.events.at(-1) !== 'data') this.events.push('data');
    return undefined;
  }

  onEnd(_connection: Connection): unknown {
    this.events.push('end');
    return undefined;
  }

  onDrain(_connection: Connection): unknown {
    this.events.push('drain');
    return undefined;
  }

  onClose(_connection: Connection, reason: CloseReason, error: Error | undefined): void {
    this.events.push(`close ${reason}`);
    this.reason = reason;
    this.error = error;
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  closed(): Promise<CloseReason> {
    return eventually('the connection closes', () => this.reason);
  }
}

/** Listens, and gives each accepted connection to `serve`. */
export async function listenWith(
  engine: Engine,
  serve: (connection: Connection) => void,
  options: ListenOptions = { port: 0 },
): Promise<Listener> {
  return engine.listen(options, serve);
}

/** A remote on node:net that was connected to. Errors are noted, so that a reset can be told from an end. */
export class Remote {
  readonly socket: Socket;
  readonly chunks: Buffer[] = [];
  bytes = 0;
  hasEnded = false;
  isClosed = false;
  errorCode: string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.bytes += chunk.length;
    });
    socket.on('end', () => {
      this.hasEnded = true;
    });
    socket.on('error', error => {
      this.errorCode = (error as NodeJS.ErrnoException).code;
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  ended(): Promise<unknown> {
    return eventually('the remote sees the end', () => this.hasEnded || undefined);
  }

  closed(): Promise<unknown> {
    return eventually('the remote sees that it was closed', () => this.isClosed || this.hasEnded || undefined);
  }
}

/** Connects from outside. */
export async function connectRemote(where: { readonly port: number } | { readonly path: string }): Promise<Remote> {
  const socket = connect({ ...where, ...('port' in where ? { host: '127.0.0.1' } : {}), allowHalfOpen: true });
  afterTest(() => socket.destroy());
  const remote = new Remote(socket);
  await eventually('the remote is connected', () => !socket.connecting || undefined);
  return remote;
}

/** Listens outside. @returns the port, and the remotes that were accepted, in order */
export async function listenRemote(
  onSocket: (remote: Remote) => void = () => undefined,
): Promise<{ readonly port: number; readonly accepted: Remote[]; readonly server: Server }> {
  const accepted: Remote[] = [];
  const server = createServer({ allowHalfOpen: true }, socket => {
    afterTest(() => socket.destroy());
    const remote = new Remote(socket);
    accepted.push(remote);
    onSocket(remote);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  afterTest(() => server.close());
  return { port: (server.address() as { port: number }).port, accepted, server };
}

/** Bytes that differ at each place, so that what is lost, doubled or swapped shows. */
export function pattern(length: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

/** An accepted connection, with its handler and its remote. */
export async function acceptOne(kind: EngineKind, handler: NotingHandler = new NotingHandler()) {
  const engine = await openEngine(kind);
  const accepted: Connection[] = [];
  const listener = await listenWith(engine, connection => {
    accepted.push(connection);
    connection.start(handler);
  });
  const remote = await connectRemote({ port: listener.address.port });
  const connection = await eventually('the connection is accepted', () => accepted[0]);
  return { engine, listener, handler, remote, connection };
}

/** How many descriptors this process has. */
export const descriptors = (): number => readdirSync('/proc/self/fd').length;

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** Sends back what comes, as fast as it is taken. */
export function echo(connection: Connection): void {
  connection.start({
    onData: (one, bytes) => {
      if (!one.write(bytes)) one.pause();
    },
    onDrain: one => one.resume(),
  });
}

/** The place of a UNIX socket, which goes with the test. */
export function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reactor-'));
  afterTest(() => rmSync(folder, { recursive: true }));
  return join(folder, 'socket');
}
