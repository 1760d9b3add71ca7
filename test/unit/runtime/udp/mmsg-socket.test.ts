import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { parseIpv4 } from '@lars/proto/host-address';
import { Errno } from '@lars/syscalls/errno';
import { afterEach, describe, expect, test } from 'vitest';
import { type Libc, loadLibc } from '../../../../runtime/src/udp/libc.ts';
import { addressFor, MmsgMemory } from '../../../../runtime/src/udp/mmsg-memory.ts';
import { MmsgSocket, type MmsgSocketOptions } from '../../../../runtime/src/udp/mmsg-socket.ts';
import { SocketCalls } from '../../../../runtime/src/udp/socket-calls.ts';
import { Ready, SocketPoll } from '../../../../runtime/src/udp/socket-poll.ts';
import { eventually } from '../../../support/eventually.ts';

const LOOPBACK = parseIpv4('127.0.0.1') as number;
const outcome = await loadLibc();

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.runIf('libc' in outcome)('MmsgSocket', () => {
  const { libc } = outcome as { readonly libc: Libc };

  function open(options: Partial<MmsgSocketOptions> = {}, calls: Libc = libc) {
    const errors = { count: 0 };
    const socket = new MmsgSocket(calls, {
      ip: '127.0.0.1',
      port: 0,
      receiveBufferBytes: 1_048_576,
      onSendError: () => errors.count++,
      ...options,
    });
    cleanUps.push(() => socket.close());
    return { socket, errors };
  }

  const addressOf = ({ port }: MmsgSocket): number => addressFor(LOOPBACK, port);

  function commit(socket: MmsgSocket, value: number, peer?: number): void {
    socket.bytes[socket.outgoingStart()] = value;
    socket.commit(1, peer);
  }

  /** The first byte of each datagram that comes, until there are so many. */
  async function take(socket: MmsgSocket, count: number): Promise<number[]> {
    const values: number[] = [];
    return eventually(`${count} datagrams`, () => {
      const taken = socket.receive();
      for (let slot = 0; slot < taken; slot++) values.push(socket.bytes[socket.startOf(slot)] as number);
      return values.length >= count && values;
    });
  }

  test('sends to a peer by address, and answers it', async () => {
    const [{ socket: one }, { socket: other }] = [open(), open()];
    commit(one, 1, addressOf(other));
    one.flush();
    expect(await take(other, 1)).toEqual([1]);
    expect(other.senderOf(0)).toBe(addressOf(one));
    commit(other, 2, other.senderOf(0));
    other.flush();
    expect(await take(one, 1)).toEqual([2]);
  });

  test('that is connected sends to its peer, and takes datagrams of that one alone', async () => {
    const [{ socket: server }, { socket: stranger }] = [open(), open()];
    const { socket: client } = open({ remote: { ip: '127.0.0.1', port: server.port } });
    commit(client, 1);
    client.flush();
    expect(await take(server, 1)).toEqual([1]);
    commit(stranger, 66, addressOf(client));
    stranger.flush();
    commit(server, 2, addressOf(client));
    server.flush();
    expect(await take(client, 1)).toEqual([2]);
  });

  test('outlives a peer that is gone', async () => {
    const { socket: server } = open();
    const { socket: client, errors } = open({ remote: { ip: '127.0.0.1', port: server.port } });
    const { port } = server;
    server.close();
    for (let i = 0; i < 5; i++) {
      commit(client, i);
      client.flush();
    }
    const { socket: successor } = open({ port });
    commit(client, 9);
    client.flush();
    expect(await take(successor, 1)).toEqual([9]);
    expect(errors.count).toBe(0);
  });

  test('takes no more at once than it has slots for, and loses none of the others', async () => {
    const [{ socket: one }, { socket: few }] = [open(), open({ slots: 3 })];
    for (let i = 0; i < 10; i++) commit(one, i, addressOf(few));
    one.flush();
    expect(few.receive()).toBe(3);
    expect(await take(few, 7)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  });

  test('sends by itself what no longer fits', async () => {
    const [{ socket: one }, { socket: other }] = [open({ slots: 4 }), open()];
    for (let i = 0; i < 9; i++) commit(one, i, addressOf(other));
    expect(await take(other, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    one.flush();
    expect(await take(other, 1)).toEqual([8]);
  });

  test('always has room for the largest datagram, before those that came', () => {
    const { socket } = open();
    for (const length of [0, 1, 60_000, 30_000, 40_000, 65_507, 65_507, 500, 65_000]) {
      expect(socket.startOf(0) - socket.outgoingStart()).toBeGreaterThanOrEqual(65_507);
      socket.commit(length, addressOf(socket));
    }
  });

  test('closed, it touches no descriptor any more', () => {
    const { socket, errors } = open();
    socket.close();
    socket.close();
    commit(socket, 1, addressOf(socket));
    socket.flush();
    expect([socket.receive(), socket.kernelDrops(), errors.count]).toEqual([0, 0, 1]);
  });

  describe('when the kernel does not take all that is to be sent', () => {
    /** How each call ends: so many are sent at most, or none and an error. What is not told goes well. */
    type Step = { readonly sends: number } | { readonly fails: number };

    async function sendTen(steps: readonly Step[], isWritable = true) {
      const left = [...steps];
      let errno: number | undefined;
      let waits = 0;
      const calls: Libc = {
        ...libc,
        sendmmsg: (fd, headers, count, flags) => {
          const step = left.shift() ?? { sends: count };
          errno = 'fails' in step ? step.fails : undefined;
          return 'fails' in step ? -1 : libc.sendmmsg(fd, headers, Math.min(count, step.sends), flags);
        },
        poll: () => {
          waits += 1;
          return isWritable ? 1 : 0;
        },
        errno: () => errno ?? libc.errno(),
      };
      const [{ socket, errors }, { socket: other }] = [open({}, calls), open()];
      for (let i = 0; i < 10; i++) commit(socket, i, addressOf(other));
      socket.flush();
      const arrived = await take(other, 10 - errors.count);
      return { arrived, errors: errors.count, waits, left: left.length };
    }

    const EMSGSIZE = 90;
    const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    test.each<[string, readonly Step[], readonly number[]]>([
      ['some at a time', [{ sends: 3 }, { sends: 1 }, { sends: 2 }], all],
      ['interrupted by signals', [{ fails: Errno.EINTR }, { sends: 2 }, { fails: Errno.EINTR }, { fails: Errno.EINTR }], all],
      ['its buffer is full for a moment', [{ sends: 4 }, { fails: Errno.EAGAIN }, { sends: 2 }, { fails: Errno.EAGAIN }], all],
      ['an earlier datagram was refused', [{ fails: Errno.ECONNREFUSED }, { sends: 5 }, { fails: Errno.ECONNREFUSED }], all],
      ['one cannot be sent', [{ sends: 4 }, { fails: EMSGSIZE }], [0, 1, 2, 3, 5, 6, 7, 8, 9]],
      ['the first cannot be sent', [{ fails: EMSGSIZE }], [1, 2, 3, 4, 5, 6, 7, 8, 9]],
      ['the last cannot be sent', [{ sends: 9 }, { fails: EMSGSIZE }], [0, 1, 2, 3, 4, 5, 6, 7, 8]],
      ['the same is refused again and again', [{ fails: Errno.ECONNREFUSED }, { fails: Errno.ECONNREFUSED }], all.slice(1)],
    ])('%s', async (_what, steps, expected) => {
      expect(await sendTen(steps)).toMatchObject({ arrived: expected, errors: 10 - expected.length, left: 0 });
    });

    test('its buffer stays full: one wait, and each that is not sent is told', async () => {
      const full = Array.from({ length: 9 }, () => ({ fails: Errno.EAGAIN }));
      expect(await sendTen([{ sends: 2 }, ...full], false)).toMatchObject({ arrived: [0, 1], errors: 8, waits: 1, left: 0 });
    });
  });

  test('its buffer stays full, though the kernel says that there is room: the end comes all the same', () => {
    const calls: Libc = { ...libc, sendmmsg: () => -1, poll: () => 1, errno: () => Errno.EAGAIN };
    const { socket, errors } = open({}, calls);
    for (let i = 0; i < 10; i++) commit(socket, i, addressOf(socket));
    socket.flush();
    expect(errors.count).toBe(10);
  });

  test('a wait ends for mail at once', () => {
    const { port1, port2 } = new MessageChannel();
    cleanUps.push(() => port1.close());
    port2.on('message', () => undefined);
    const memory = new MmsgMemory(1, false, buffer => libc.addressOf(buffer));
    const calls = new SocketCalls(libc, memory);
    const fd = calls.open();
    cleanUps.push(() => libc.close(fd));
    port1.postMessage('mail');
    expect(new SocketPoll(libc, memory).wait(fd, libc.loopDescriptor(), 15_000)).toBe(Ready.loop);
  });

  describe('in a thread', () => {
    const MODULE = new URL('../../../support/workers/mmsg-echo-thread.ts', import.meta.url);

    async function start(port: number) {
      const worker = new Worker(MODULE, { workerData: { port }, execArgv: ['--conditions=source'] });
      cleanUps.push(() => worker.terminate());
      const [bound] = await once(worker, 'message');
      return { worker, port: bound as number };
    }

    test('its port is free when the thread has been ended, however busy it was', async () => {
      let { worker, port } = await start(0);
      const { socket: client } = open({ remote: { ip: '127.0.0.1', port } });
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 500; i++) commit(client, i);
        client.flush();
        await worker.terminate();
        worker = (await start(port)).worker;
        while (client.receive() > 0);
      }
      commit(client, 9);
      client.flush();
      expect((await take(client, 1)).at(-1)).toBe(9);
    });

    test('mail comes through while datagrams do', async () => {
      const { worker, port } = await start(0);
      const { socket: client } = open({ remote: { ip: '127.0.0.1', port } });
      client.onReadable(() => {
        const count = client.receive();
        for (let i = 0; i < count; i++) commit(client, i);
      });
      for (let i = 0; i < 100; i++) commit(client, i);
      for (let mail = 0; mail < 20; mail++) {
        worker.postMessage(mail);
        expect(await once(worker, 'message')).toEqual([mail]);
      }
    });
  });
});
