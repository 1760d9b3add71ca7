import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { LarsProtocolError } from '@lars/proto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type CloseReason, type ConnectionLimits, FramedConnection } from '../../../../runtime/src/tcp/framed-connection.ts';
import { NetConnection } from '../../../../runtime/src/transport/net-connection.ts';
import { rawFrame } from '../../../support/tcp-peer.ts';

const LIMITS = { maxBodyBytes: 1_000, partialFrameTimeoutMs: 500, maxWriteBufferBytes: 10_000 };
const FRAME = rawFrame(7, [1, 2, 3]);

/** A socket without a network: what the peer sends comes in by `receive`; the peer reads nothing unless told to. */
class WireSocket extends Duplex {
  readonly remoteAddress = '192.0.2.1';
  readonly remotePort = 4_242;
  readonly written: Uint8Array[] = [];
  peerReads = true;
  #untaken: (() => void) | undefined;

  setNoDelay(): void {}
  setKeepAlive(): void {}

  receive(...bytes: readonly Uint8Array[]): void {
    this.emit('data', Buffer.concat(bytes));
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk);
    if (this.peerReads) done();
    else this.#untaken = done;
  }

  /** The peer takes all there is. */
  async takeAll(): Promise<void> {
    this.peerReads = true;
    this.#untaken?.();
    this.#untaken = undefined;
    for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve));
  }
}

function connect(onFrame: (connection: FramedConnection) => void = () => undefined, limits: ConnectionLimits = LIMITS) {
  const socket = new WireSocket();
  const frames: (readonly [number, number])[] = [];
  const closes: [CloseReason, unknown][] = [];
  const connection = new FramedConnection(new NetConnection(socket as unknown as Socket), limits, {
    onFrameInPlace: (from, id, _, start, end) => {
      frames.push([id, end - start]);
      onFrame(from);
    },
    onClose: (_, reason, error) => closes.push([reason, error]),
  });
  return { socket, connection, frames, closes };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a frame that is begun and not finished', () => {
  test.each([1, 7, 8, 10])('closes the connection when its first %i bytes were followed by silence', bytes => {
    const { socket, closes } = connect();
    socket.receive(FRAME.subarray(0, bytes));
    vi.advanceTimersByTime(LIMITS.partialFrameTimeoutMs - 1);
    expect(closes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(closes).toEqual([['partial_frame_timeout', undefined]]);
    expect(socket.destroyed).toBe(true);
  });

  test('does so too when single bytes keep dribbling in', () => {
    const { socket, closes } = connect();
    const slow = rawFrame(7, Array(900).fill(0));
    for (let i = 0; i < 6; i++) {
      socket.receive(slow.subarray(i, i + 1));
      vi.advanceTimersByTime(LIMITS.partialFrameTimeoutMs / 5);
    }
    expect(closes).toEqual([['partial_frame_timeout', undefined]]);
  });

  test('has its full time again when another frame was completed', () => {
    const { socket, closes, frames } = connect();
    const half = FRAME.length / 2;
    socket.receive(FRAME.subarray(0, half));
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(LIMITS.partialFrameTimeoutMs - 1);
      socket.receive(FRAME.subarray(half), FRAME.subarray(0, half));
    }
    expect([closes, frames.length]).toEqual([[], 10]);
    socket.receive(FRAME.subarray(half));
  });

  test('is not the peer’s fault while we do not read', () => {
    const { socket, connection, closes } = connect();
    socket.receive(FRAME.subarray(0, 5));
    connection.pause();
    vi.advanceTimersByTime(10 * LIMITS.partialFrameTimeoutMs);
    expect(closes).toEqual([]);
    connection.resume();
    vi.advanceTimersByTime(LIMITS.partialFrameTimeoutMs);
    expect(closes).toEqual([['partial_frame_timeout', undefined]]);
  });

  test('whose handler pauses has no clock either', () => {
    const { socket, closes } = connect(from => from.pause());
    socket.receive(FRAME, FRAME.subarray(0, 5));
    vi.advanceTimersByTime(10 * LIMITS.partialFrameTimeoutMs);
    expect(closes).toEqual([]);
  });

  test('leaves no clock behind when the connection ends otherwise', () => {
    const { socket, connection } = connect();
    socket.receive(FRAME.subarray(0, 5));
    connection.destroy();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a peer that asks for more than it takes', () => {
  const limits = { ...LIMITS, maxWriteBufferBytes: 500_000, pauseReadingAtBytes: 50_000 };
  const answer = (from: FramedConnection) => void from.send(new Uint8Array(40_000));

  test('is answered on as it takes, though it asked for all in one chunk', async () => {
    const { socket, frames, closes } = connect(answer, limits);
    socket.peerReads = false;
    socket.receive(FRAME, FRAME, FRAME, FRAME, FRAME, FRAME.subarray(0, 3));
    expect([frames.length, socket.isPaused()]).toEqual([2, true]);
    await socket.takeAll();
    socket.peerReads = false;
    expect([frames.length, socket.isPaused()]).toEqual([5, false]);
    socket.receive(FRAME.subarray(3));
    expect([frames.length, closes]).toEqual([6, []]);
  });

  test('is closed when it takes nothing for a minute', () => {
    const { socket, closes } = connect(answer, limits);
    socket.peerReads = false;
    socket.receive(FRAME, FRAME);
    vi.advanceTimersByTime(59_999);
    expect(closes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(closes).toEqual([['write_buffer_full', undefined]]);
  });

  test('is not read from while we are told not to, though it has taken all', async () => {
    const { socket, connection, frames } = connect(answer, limits);
    socket.peerReads = false;
    socket.receive(FRAME, FRAME, FRAME);
    connection.pause();
    await socket.takeAll();
    expect([frames.length, socket.isPaused()]).toEqual([2, true]);
    connection.resume();
    expect([frames.length, socket.isPaused()]).toEqual([3, false]);
  });

  test('and goes before it has taken all leaves nothing behind', () => {
    const { socket, frames, closes } = connect(answer, limits);
    socket.peerReads = false;
    socket.receive(FRAME, FRAME, FRAME);
    socket.emit('close');
    socket.emit('drain');
    expect([frames.length, closes]).toEqual([2, [['remote', undefined]]]);
  });
});

describe('silence between frames', () => {
  test('is no reason to close', () => {
    const { socket, closes } = connect();
    socket.receive(FRAME);
    vi.advanceTimersByTime(100 * LIMITS.partialFrameTimeoutMs);
    expect(closes).toEqual([]);
  });
});

describe('a connection is closed once, for its first reason', () => {
  test.each([
    ['BAD_LENGTH', (socket: WireSocket) => socket.receive(rawFrame(7, [], 1_001))],
    ['BAD_LENGTH', (socket: WireSocket) => socket.receive(rawFrame(7, [], -1))],
    ['remote', (socket: WireSocket) => socket.emit('end')],
    ['remote', (socket: WireSocket) => socket.emit('error', new Error('ECONNRESET'))],
    ['remote', (socket: WireSocket) => socket.emit('close')],
  ] as const)('%s (%#)', (reason, end) => {
    const { socket, connection, closes } = connect();
    end(socket);
    socket.emit('error', new Error('later'));
    socket.receive(rawFrame(7, [], -1));
    connection.destroy();
    connection.end();
    expect(closes.map(([first]) => first)).toEqual([reason]);
    expect([connection.closed, socket.destroyed]).toEqual([true, true]);
  });

  test.each([
    ['BAD_BODY', new LarsProtocolError('BAD_BODY', 'nonsense')],
    ['BAD_MESSAGE_ID', new LarsProtocolError('BAD_MESSAGE_ID', 'nonsense')],
    ['BAD_BODY', new LarsProtocolError('BAD_ADDRESS', 'nonsense')],
    ['handler_error', new TypeError('a bug')],
  ])('%s, when the handler throws it (%#)', (reason, error) => {
    const { socket, closes, frames } = connect(() => {
      throw error;
    });
    socket.receive(FRAME, FRAME);
    expect(closes).toEqual([[reason, error]]);
    expect(frames).toHaveLength(1);
  });

  test('frames behind the one whose handler closed are not delivered', () => {
    const { socket, closes, frames } = connect(from => from.destroy());
    socket.receive(FRAME, FRAME, FRAME.subarray(0, 3));
    expect([closes, frames.length]).toEqual([[['stopped', undefined]], 1]);
  });
});

describe('what is sent', () => {
  test('to a peer that does not read is kept up to the limit; beyond, the connection is closed', () => {
    const { socket, connection, closes } = connect();
    socket.peerReads = false;
    const kilobyte = new Uint8Array(1_000);
    for (let i = 0; i < 10; i++) expect(connection.send(kilobyte)).toBe(true);
    expect(connection.send(kilobyte)).toBe(false);
    expect(closes).toEqual([['write_buffer_full', undefined]]);
    expect(connection.send(kilobyte)).toBe(false);
  });

  test('during one chunk leaves together, in order', () => {
    let n = 0;
    const { socket } = connect(from => from.send(Uint8Array.of(n++)));
    socket.receive(FRAME, FRAME, FRAME);
    socket.receive(FRAME);
    expect(socket.written.map(bytes => [...bytes])).toEqual([[0, 1, 2], [3]]);
  });

  test('in large frames leaves together too, without being copied', () => {
    const large = [new Uint8Array(9_000).fill(1), new Uint8Array(9_000).fill(2)];
    const { socket } = connect(from => {
      for (const each of large) from.send(each);
    });
    const flushes = vi.spyOn(socket, 'uncork');
    socket.receive(FRAME);
    expect(flushes).toHaveBeenCalledTimes(1);
    expect(socket.written.map(each => each.buffer)).toEqual(large.map(each => each.buffer));
  });

  test('and has grown large leaves before the chunk ends, so that a peer who reads is not taken for one who does not', () => {
    const { socket, closes } = connect(from => {
      for (let i = 0; i < 100; i++) from.send(new Uint8Array(1_000));
    });
    socket.receive(FRAME);
    expect(socket.written.length).toBeGreaterThan(1);
    expect(socket.written.reduce((sum, each) => sum + each.length, 0)).toBe(100_000);
    expect(closes).toEqual([]);
  });

  test('may be queued: it leaves with the next flush, or with what is sent next', () => {
    const { socket, connection } = connect();
    const bytes = () => socket.written.splice(0).map(each => [...each]);
    for (const n of [1, 2]) expect(connection.queue(Uint8Array.of(n))).toBe(true);
    expect(bytes()).toEqual([]);
    expect([connection.flush(), bytes()]).toEqual([true, [[1, 2]]]);
    connection.queue(Uint8Array.of(3));
    connection.send(Uint8Array.of(4));
    expect([connection.flush(), bytes()]).toEqual([true, [[3, 4]]]);
    connection.queue(Uint8Array.of(5));
    connection.end();
    expect([bytes(), connection.queue(FRAME), connection.flush()]).toEqual([[[5]], false, false]);
    vi.runAllTimers();
  });

  test('and queued counts against the limit when it leaves', () => {
    const { socket, connection, closes } = connect();
    socket.peerReads = false;
    for (let i = 0; i < 11; i++) expect(connection.queue(new Uint8Array(1_000))).toBe(true);
    expect(connection.flush()).toBe(false);
    expect(closes).toEqual([['write_buffer_full', undefined]]);
  });

  test('before end still leaves, and a peer that does not take it is not waited for', () => {
    const { socket, connection, closes } = connect();
    socket.peerReads = false;
    connection.send(FRAME);
    connection.end();
    expect(closes).toEqual([['stopped', undefined]]);
    expect(socket.destroyed).toBe(false);
    vi.runAllTimers();
    expect(socket.destroyed).toBe(true);
  });
});
