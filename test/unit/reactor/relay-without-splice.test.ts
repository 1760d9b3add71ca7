import { Errno } from '@lars/syscalls/errno';
import { loadNative } from '@lars/syscalls/native';
import { expect, test } from 'vitest';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { bindLibc, type Libc } from '../../../reactor/src/linux/libc.ts';
import { EpollSet } from '../../../reactor/src/native/epoll-set.ts';
import { NativeEngine } from '../../../reactor/src/native/native-engine.ts';
import { eventually } from '../../support/eventually.ts';

const outcome = await loadNative(bindLibc);

/** A kernel that refuses one call with an error. */
function refusing(libc: Libc, call: 'splice' | 'pipe2', errno: number): Libc {
  let refused = false;
  const watched = Object.fromEntries(
    Object.entries(libc).map(([name, original]) => [
      name,
      (...args: number[]) => {
        refused = name === call;
        return refused ? -1 : (original as (...all: number[]) => number)(...args);
      },
    ]),
  ) as unknown as Libc;
  return { ...watched, errno: () => (refused ? errno : libc.errno()), addressOf: libc.addressOf };
}

test.runIf('bound' in outcome).each([
  ['splice', Errno.EINVAL],
  ['splice', Errno.ENOSYS],
  ['splice', Errno.EPERM],
  ['pipe2', Errno.EMFILE],
] as const)('a relay copies where %s fails with %i', async (call, errno) => {
  const { bound } = outcome as { readonly bound: Libc };
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const engine = new NativeEngine(
    new EngineCore({ log: silent, nowMs: () => performance.now() }),
    refusing(bound, call, errno),
    new EpollSet(bound),
    'epoll',
    'for a test',
  );
  try {
    let received = 0;
    const backend = await engine.listen({ port: 0 }, one =>
      one.start({
        onData: (_, bytes) => {
          received += bytes.length;
        },
      }),
    );
    const ends: string[] = [];
    const front = await engine.listen({ port: 0 }, client => {
      engine.connect(
        { port: backend.address.port },
        {
          onConnect: one => void engine.relay(client, one, { splice: 'always' }, ({ end }) => ends.push(end)),
          onData: () => undefined,
        },
      );
    });
    const connection = engine.connect({ port: front.address.port }, { onConnect: () => undefined, onData: () => undefined });
    connection.write(new Uint8Array(2 ** 20));
    connection.end();
    await eventually('the relay is over', () => ends.length === 1);
    expect(ends).toEqual(['ended']);
    expect(received).toBe(2 ** 20);
    expect(engine.stats()).toMatchObject({ bytesSpliced: 0, pipes: call === 'pipe2' ? 0 : 1 });
  } finally {
    await engine.close();
  }
});
