import { messageOf } from '@lars/runtime/errors';
import type { Libc } from '@lars/runtime/udp/libc';
import { MmsgMemory } from '@lars/runtime/udp/mmsg-memory';
import { SocketCalls } from '@lars/runtime/udp/socket-calls';
import { CommandError } from '../errors.ts';
import {
  type DatagramClient,
  type DatagramClients,
  type DatagramReader,
  RECEIVE_BUFFER_BYTES,
  type ServerAddress,
} from './datagram-client.ts';

/** The most datagrams that one system call receives, or sends. */
const SLOTS = 128;
const MSG_DONTWAIT = 0x40;
/** A timer of this thread may be late by this. */
const WAIT_MS = 10;
/** struct pollfd */
const POLL_BYTES = 8;
const POLLIN = 1;

/**
 * The generator's sockets, in batches. One wait serves them all, in place of the event loop, which would hand over every socket by
 * itself; the loop's own descriptor is waited for as well, and it gets a tick between two batches.
 */
export class MmsgClients implements DatagramClients {
  readonly kind = 'mmsg';
  readonly #libc: Libc;
  readonly #clients: MmsgClient[] = [];
  readonly #loop: number;
  /** A struct pollfd for each socket and one for the loop. */
  #polls = new DataView(new ArrayBuffer(POLL_BYTES));
  #pollsAddress = 0;
  #closed = false;
  #patient = false;

  constructor(libc: Libc) {
    this.#libc = libc;
    this.#loop = libc.loopDescriptor();
    setImmediate(this.#turn);
  }

  async open(server: ServerAddress, reader: DatagramReader): Promise<DatagramClient> {
    const client = new MmsgClient(this.#libc, server, reader);
    this.#clients.push(client);
    const polls = new ArrayBuffer(POLL_BYTES * (this.#clients.length + 1));
    this.#polls = new DataView(polls);
    this.#pollsAddress = this.#libc.addressOf(polls);
    return client;
  }

  close(): void {
    this.#closed = true;
    for (const client of this.#clients) client.close();
  }

  readonly #turn = (): void => {
    if (this.#closed) return;
    setImmediate(this.#turn);
    if (this.#clients.length === 0) return;
    this.#wait(this.#patient ? WAIT_MS : 0);
    for (const [at, client] of this.#clients.entries()) if (this.#isReady(at)) client.batch();
    // The loop's next tick may queue another one, which must not wait for this poll.
    this.#patient = !this.#isReady(this.#clients.length);
  };

  #wait(timeoutMs: number): void {
    for (const [at, { fd }] of this.#clients.entries()) this.#putPoll(at, fd);
    this.#putPoll(this.#clients.length, this.#loop);
    this.#libc.poll(this.#pollsAddress, this.#clients.length + 1, timeoutMs);
  }

  #putPoll(at: number, fd: number): void {
    this.#polls.setInt32(at * POLL_BYTES, fd, true);
    // What happened is cleared with it: it stands behind, in the upper half.
    this.#polls.setUint32(at * POLL_BYTES + 4, POLLIN, true);
  }

  #isReady(at: number): boolean {
    return this.#polls.getUint16(at * POLL_BYTES + 6, true) !== 0;
  }
}

class MmsgClient implements DatagramClient {
  readonly fd: number;
  readonly bytes: Uint8Array;
  readonly #libc: Libc;
  readonly #memory: MmsgMemory;
  readonly #reader: DatagramReader;

  constructor(libc: Libc, { ip, port }: ServerAddress, reader: DatagramReader) {
    this.#libc = libc;
    this.#reader = reader;
    this.#memory = new MmsgMemory(SLOTS, true, buffer => libc.addressOf(buffer));
    this.bytes = this.#memory.bytes;
    const calls = new SocketCalls(libc, this.#memory);
    this.fd = calls.open();
    try {
      calls.connect(this.fd, ip, port);
      calls.setReceiveBuffer(this.fd, RECEIVE_BUFFER_BYTES);
    } catch (cause) {
      this.close();
      throw new CommandError('NO_SOCKET', `UDP ${ip}:${port}: ${messageOf(cause)}`, { cause });
    }
  }

  outgoingStart(): number {
    if (!this.#memory.hasRoom) this.flush();
    return this.#memory.outgoingEnd;
  }

  commit(length: number): void {
    this.#memory.commit(length, 0);
  }

  /** That a server refused a datagram is seen as an answer that does not come. */
  flush(): void {
    const memory = this.#memory;
    const count = memory.outgoingCount;
    for (let next = 0; next < count; ) {
      const sent = this.#libc.sendmmsg(this.fd, memory.outgoingHeader(next), count - next, 0);
      next += Math.max(1, sent);
    }
    memory.clearOutgoing();
  }

  batch(): void {
    const memory = this.#memory;
    const count = this.#libc.recvmmsg(this.fd, memory.incomingHeaders, SLOTS, MSG_DONTWAIT, 0);
    if (count <= 0) return;
    this.#reader.beforeBatch();
    for (let slot = 0; slot < count; slot++) {
      const start = memory.startOf(slot);
      this.#reader.onDatagram(memory.bytes, start, start + memory.lengthOf(slot));
    }
    this.flush();
  }

  close(): void {
    this.#libc.close(this.fd);
  }
}
