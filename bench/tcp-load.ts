/** A closed loop over TCP: on every connection `window` requests are under way at any time; answers that come together are followed by
 *  as many requests, written together. It shares a process with nobody (tcp-load-process.ts), so that the server's CPU time is its own. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame, FrameDecoder, MessageId } from '@lars/proto';

export interface TcpLoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly window: number;
  readonly seconds: number;
  readonly modid: number;
  readonly cmdid: number;
  /** Between an answer and the next request; 0 = none. */
  readonly pauseMs: number;
}

export interface TcpLoadResult {
  readonly answered: number;
  /** Of each answer to a request that was alone under way (window 1): when it came (see machineMs), and how long it took, ms. */
  readonly samples: readonly (readonly [number, number])[];
}

/** Milliseconds of a clock that all processes of the machine share. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export async function runTcpLoad(options: TcpLoadOptions): Promise<TcpLoadResult> {
  const lanes = await Promise.all(Array.from({ length: options.connections }, () => Lane.open(options)));
  for (const lane of lanes) lane.start();
  await sleep(options.seconds * 1_000);
  for (const lane of lanes) lane.end();
  return { answered: lanes.reduce((sum, lane) => sum + lane.answered, 0), samples: lanes.flatMap(lane => lane.samples) };
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

class Lane {
  answered = 0;
  readonly samples: [number, number][] = [];
  #socket: Socket | undefined;
  readonly #options: TcpLoadOptions;
  readonly #requests: Buffer;
  readonly #requestBytes: number;
  #sentMs = 0;

  static async open(options: TcpLoadOptions): Promise<Lane> {
    const lane = new Lane(options);
    lane.#socket = await connectTo(options.port, answers => lane.#onAnswers(answers));
    return lane;
  }

  private constructor(options: TcpLoadOptions) {
    const { modid, cmdid, window } = options;
    const request = encodeFrame(MessageId.GetRouteRequest, { modid, cmdid, version: 0, features: 0 });
    this.#options = options;
    this.#requestBytes = request.length;
    this.#requests = Buffer.concat(Array.from({ length: window }, () => request));
  }

  start(): void {
    this.#ask(this.#options.window);
  }

  end(): void {
    this.#socket?.destroy();
  }

  #onAnswers(answers: number): void {
    this.answered += answers;
    if (this.#options.window === 1) this.samples.push([machineMs(), machineMs() - this.#sentMs]);
    if (this.#options.pauseMs === 0) this.#ask(answers);
    else setTimeout(() => this.#ask(answers), this.#options.pauseMs);
  }

  #ask(count: number): void {
    this.#sentMs = machineMs();
    // More answers than the window are pushes: nobody asked for them.
    this.#socket?.write(this.#requests.subarray(0, Math.min(count, this.#options.window) * this.#requestBytes));
  }
}
