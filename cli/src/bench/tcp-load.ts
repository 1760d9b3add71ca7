import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { LarsProtocolError } from '@lars/proto';
import { CommandError } from '../errors.ts';
import { type Connect, connectPlain } from './connect.ts';
import type { ServerAddress } from './datagram-client.ts';
import { FrameLane, type LaneScript } from './frame-lane.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { type LoadResult, Quota, type Stint } from './load-result.ts';

export interface TcpLoadOptions {
  readonly server: ServerAddress;
  readonly connections: number;
  /** On each connection. */
  readonly window: number;
  /** The messages of the connection with this number. */
  readonly script: (connection: number) => LaneScript;
  readonly stint: Stint;
  /** Makes one connection; left out: by TCP alone. */
  readonly connect?: Connect | undefined;
  readonly signal: AbortSignal;
}

const CONNECT_AT_ONCE = 100;
/** No answer is going to come any more. */
const SILENCE_MS = 5_000;
const TICK_MS = 20;

/**
 * A closed loop over many TCP connections. A connection that ends before its time ends the load.
 * @throws {CommandError} CANNOT_CONNECT, DISCONNECTED, NO_ANSWER, INTERRUPTED, and what a script throws
 */
export async function runTcpLoad(options: TcpLoadOptions): Promise<LoadResult> {
  const sockets = await connectAll(options);
  try {
    return await runLanes(sockets, options);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

async function connectAll({ server, connections, signal, connect = connectPlain }: TcpLoadOptions): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < connections) {
    const missing = Math.min(CONNECT_AT_ONCE, connections - sockets.length);
    const outcomes = await Promise.allSettled(Array.from({ length: missing }, () => connect(server, signal)));
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') sockets.push(outcome.value);
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed === undefined) continue;
    for (const socket of sockets) socket.destroy();
    throw (failed as PromiseRejectedResult).reason;
  }
  return sockets;
}

async function runLanes(sockets: readonly Socket[], options: TcpLoadOptions): Promise<LoadResult> {
  const { window, script, stint } = options;
  const latency = new LatencyHistogram();
  const quota = new Quota(stint);
  const ended = Promise.withResolvers<void>();
  const lanes = sockets.map((socket, at) => {
    const write = (bytes: Uint8Array) => void socket.write(bytes);
    return openLane(socket, new FrameLane(script(at), { window, quota, latency, write }), options.server, ended);
  });
  const startMs = performance.now();
  const timer = setInterval(() => watch(options, lanes, quota, startMs, ended), TICK_MS);
  try {
    for (const lane of lanes) lane.begin(startMs);
    await ended.promise;
  } finally {
    clearInterval(timer);
  }
  const done = lanes.reduce((sum, { answered }) => sum + answered, 0);
  return { done, seconds: (lastAnswerMs(lanes, startMs) - startMs) / 1_000, latency, lost: 0, counts: {} };
}

type Ending = PromiseWithResolvers<void>;

function openLane(socket: Socket, lane: FrameLane, { ip, port }: ServerAddress, ended: Ending): FrameLane {
  socket.on('data', (chunk: Uint8Array) => {
    try {
      lane.onChunk(chunk, performance.now());
    } catch (error) {
      if (!(error instanceof LarsProtocolError)) ended.reject(error);
      else
        ended.reject(
          new CommandError('BAD_ANSWER', `TCP ${ip}:${port} answers what is no LARS: ${error.message}`, { cause: error }),
        );
    }
  });
  const onClosed = () => ended.reject(new CommandError('DISCONNECTED', `TCP ${ip}:${port} has closed a connection`));
  if (socket.destroyed) onClosed();
  else socket.on('close', onClosed);
  return lane;
}

function watch(
  { stint, signal, server: { ip, port } }: TcpLoadOptions,
  lanes: readonly FrameLane[],
  quota: Quota,
  startMs: number,
  ended: Ending,
): void {
  const nowMs = performance.now();
  if ('seconds' in stint && nowMs - startMs >= stint.seconds * 1_000) quota.close();
  if (signal.aborted) ended.reject(new CommandError('INTERRUPTED', 'interrupted'));
  else if (quota.used && lanes.every(({ inFlight }) => inFlight === 0)) ended.resolve();
  else if (nowMs - lastAnswerMs(lanes, startMs) > SILENCE_MS) {
    ended.reject(new CommandError('NO_ANSWER', `TCP ${ip}:${port} does not answer`));
  }
}

function lastAnswerMs(lanes: readonly FrameLane[], startMs: number): number {
  return lanes.reduce((last, lane) => Math.max(last, lane.lastAnswerMs), startMs);
}
