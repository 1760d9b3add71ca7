import { loadNative } from '@lars/syscalls/native';
import { expect, test } from 'vitest';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { MSG_PEEK } from '../../../reactor/src/linux/constants.ts';
import { bindLibc, type Libc } from '../../../reactor/src/linux/libc.ts';
import { NativeMemory } from '../../../reactor/src/linux/memory.ts';
import { PipePool } from '../../../reactor/src/linux/pipe-pool.ts';
import { Sockets } from '../../../reactor/src/linux/sockets.ts';
import type { Hub } from '../../../reactor/src/native/hub.ts';
import type { Receiver } from '../../../reactor/src/native/readiness-set.ts';
import { ReceivedSocket } from '../../../reactor/src/native/received-socket.ts';
import { BROKEN } from '../../../reactor/src/native/stream-socket.ts';

const outcome = await loadNative(bindLibc);
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

test.runIf('bound' in outcome)('a reset that comes between a splice and the look behind it is not lost', () => {
  const { bound: libc } = outcome as { readonly bound: Libc };
  const memory = new NativeMemory(libc);
  const sockets = new Sockets(libc, memory);
  const core = new EngineCore({ log: silent, nowMs: () => 0 });
  const pipes = new PipePool(libc, memory, core.counters);
  const listening = sockets.openListener({ kind: 'inet', host: '127.0.0.1', port: 0 }, {});
  const { port } = sockets.localAddress(listening) as { readonly port: number };
  const remote = sockets.openConnection({ kind: 'inet', host: '127.0.0.1', port }, {}, false);
  const accepted = sockets.accept(listening);
  const late: Libc = {
    ...libc,
    recv: (fd, address, length, flags) => {
      if ((flags & MSG_PEEK) !== 0) {
        sockets.resetOnClose(remote);
        libc.close(remote);
      }
      return libc.recv(fd, address, length, flags);
    },
  };
  const context = { core, libc: late, memory, sockets, pipes, hub: {} as Hub };
  const socket = new ReceivedSocket(context, accepted, false, undefined, {} as Receiver);
  const pipe = pipes.take();
  if (pipe === undefined) throw new Error('no pipe');
  expect(socket.receiveInto(pipe)).toBe(BROKEN);
  expect(socket.error).toMatchObject({ code: 'ECONNRESET' });
  // What comes next would be 0, which says that it has ended in order.
  expect(socket.receiveInto(pipe)).toBe(BROKEN);
  pipes.giveBack(pipe);
  pipes.close();
  for (const fd of [accepted, listening]) libc.close(fd);
});
