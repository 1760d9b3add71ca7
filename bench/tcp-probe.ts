/** Connections that ask a dnsserver one question at a time, with pauses: how long do answers take while something else happens? */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame, FrameDecoder, MessageId } from '@lars/proto';

export interface ProbeOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly modid: number;
  readonly cmdid: number;
  /** Between an answer and the next request. */
  readonly pauseMs: number;
}

/** When an answer came (see machineMs), and how long it took, ms. */
export type Sample = readonly [number, number];

/** Milliseconds of a clock that all processes of the machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function probe(options: ProbeOptions): Promise<readonly Sample[]> {
  const request = encodeFrame(MessageId.GetRouteRequest, { ...options, version: 0, features: 0 });
  const untilMs = machineMs() + options.seconds * 1_000;
  const lanes = Array.from({ length: options.connections }, () => ask(options, request, untilMs));
  return (await Promise.all(lanes)).flat();
}

async function ask({ port, pauseMs }: ProbeOptions, request: Uint8Array, untilMs: number): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  let answered = Promise.withResolvers<void>();
  const socket = await connectTo(port, () => answered.resolve());
  for (let sentMs = machineMs(); sentMs < untilMs; sentMs = machineMs()) {
    answered = Promise.withResolvers<void>();
    socket.write(request);
    await answered.promise;
    const nowMs = machineMs();
    samples.push([nowMs, nowMs - sentMs]);
    await sleep(pauseMs);
  }
  socket.destroy();
  return samples;
}

/** All connections of this process read into one buffer: what is measured is the server, so its clients should cost little. */
const READ_BUFFER = Buffer.alloc(65_536);

/** @param onFrames called with the number of frames that have become whole */
export async function connectTo(port: number, onFrames: (count: number) => void): Promise<Socket> {
  const decoder = new FrameDecoder();
  const callback = (bytes: number) => {
    let frames = 0;
    decoder.push(READ_BUFFER.subarray(0, bytes), () => {
      frames += 1;
    });
    if (frames > 0) onFrames(frames);
    return true;
  };
  const socket = createConnection({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: READ_BUFFER, callback } });
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}
