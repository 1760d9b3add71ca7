/** Throws broken streams at a TCP port, as many clients one after the other. */
import { createConnection } from 'node:net';
import { below, mutantStream, type Random } from './fuzz.ts';
import { seededRandom } from './seeded-random.ts';

export interface TcpFuzz {
  readonly port: number;
  /** Valid frames of every kind that the server understands, and of some that it does not. */
  readonly frames: readonly Uint8Array[];
  readonly streams: number;
  /** How many connections are open at a time. */
  readonly connections: number;
  /** Stream n is the same for the same seed, whatever the connections' order. */
  readonly seed: number;
}

export interface TcpFuzzResult {
  /** Streams that the server took to their end: our FIN came first. */
  readonly taken: number;
  /** Streams in whose middle the server closed. */
  readonly closed: number;
}

/** A server has to close a connection whose client has ended; one that does not within this time is broken. */
const CLOSE_TIMEOUT_MS = 5_000;

/** @throws {Error} when a connection cannot be made, or the server leaves one open after its client has ended */
export async function throwMutantStreams(fuzz: TcpFuzz): Promise<TcpFuzzResult> {
  const result = { taken: 0, closed: 0 };
  let next = 0;
  const client = async () => {
    while (next < fuzz.streams) {
      const random = seededRandom(fuzz.seed + next++);
      result[await throwOne(fuzz.port, mutantStream(fuzz.frames, random), random)] += 1;
    }
  };
  await Promise.all(Array.from({ length: fuzz.connections }, client));
  return result;
}

function throwOne(port: number, bytes: Uint8Array, random: Random): Promise<keyof TcpFuzzResult> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    let ended = false;
    let connected = false;
    const timer = setTimeout(() => socket.destroy(new Error(`port ${port}: the server does not close`)), CLOSE_TIMEOUT_MS);
    socket.once('connect', () => {
      connected = true;
      for (const piece of pieces(bytes, random)) socket.write(piece);
      socket.end(() => {
        ended = true;
      });
    });
    socket.resume();
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A reset is the server's way to close while we still send.
      if (!connected || (error.code !== 'ECONNRESET' && error.code !== 'EPIPE')) reject(error);
    });
    socket.once('close', hadError => {
      clearTimeout(timer);
      resolve(ended && !hadError ? 'taken' : 'closed');
    });
  });
}

function pieces(bytes: Uint8Array, random: Random): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + below(random() < 0.3 ? 4 : 2_000, random);
    cut.push(bytes.subarray(at, at + length));
    at += length;
  }
  return cut;
}
