/** What a connection costs is mostly how many system calls it takes. */
import { loadNative } from '@lars/syscalls/native';
import { expect, test } from 'vitest';
import type { Connection, RelayResult } from '../../../reactor/src/engine.ts';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { bindLibc, type Libc } from '../../../reactor/src/linux/libc.ts';
import { EpollSet } from '../../../reactor/src/native/epoll-set.ts';
import { NativeEngine } from '../../../reactor/src/native/native-engine.ts';
import { eventually } from '../../support/eventually.ts';

const outcome = await loadNative(bindLibc);
const SO_KEEPALIVE = 9;
const TCP_NODELAY = 1;

class World {
  readonly calls: string[] = [];
  readonly engine: NativeEngine;
  aheadMs = 0;

  constructor(libc: Libc) {
    const counted = Object.entries(libc).map(([name, call]) => [
      name,
      (...args: number[]) => {
        this.calls.push(name === 'setsockopt' ? `${name} ${args[1]} ${args[2]}` : name);
        return (call as (...all: number[]) => number)(...args);
      },
    ]);
    const watched = { ...(Object.fromEntries(counted) as unknown as Libc), errno: libc.errno, addressOf: libc.addressOf };
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const core = new EngineCore({ log: silent, nowMs: () => performance.now() + this.aheadMs });
    this.engine = new NativeEngine(core, watched, new EpollSet(watched), 'epoll', 'for a test');
  }

  count(name: string): number {
    return this.calls.filter(call => call === name).length;
  }
}

/** A second engine has the two ends, so that only the relay's calls are counted. */
async function withWorld(work: (world: World, ends: NativeEngine) => Promise<void>): Promise<void> {
  const { bound } = outcome as { readonly bound: Libc };
  const world = new World(bound);
  const ends = new World(bound).engine;
  try {
    await work(world, ends);
  } finally {
    await world.engine.close();
    await ends.close();
  }
}

async function listenEchoing(engine: NativeEngine): Promise<number> {
  const { address } = await engine.listen({ port: 0 }, one => one.start({ onData: (_, bytes) => one.write(bytes) }));
  return address.port;
}

test.runIf('bound' in outcome)('a short connection through a relay makes no call that it does not need', async () => {
  await withWorld(async (world, ends) => {
    const { engine, calls } = world;
    const echoPort = await listenEchoing(ends);
    const results: RelayResult[] = [];
    const remotes: unknown[] = [];
    const front = await engine.listen({ port: 0, keepAliveMs: 60_000 }, client => {
      engine.connect(
        { port: echoPort, keepAliveMs: 60_000 },
        {
          onConnect: host =>
            void engine.relay(client, host, {}, result => {
              remotes.push(client.remoteAddress);
              results.push(result);
            }),
          onData: () => undefined,
        },
      );
    });
    calls.length = 0;
    const client = ends.connect({ port: front.address.port }, { onConnect: () => undefined, onData: () => client.end() });
    const local = client.localAddress;
    client.write(new Uint8Array(64));
    await eventually('the relay is over', () => results.length === 1);
    expect(results).toMatchObject([{ end: 'ended', bytesAToB: 64, bytesBToA: 64 }]);
    expect(remotes).toStrictEqual([local]);
    const rest = new Set(['epollWait', 'poll', 'accept4', 'loopTimeout']);
    const counts = new Map<string, number>();
    for (const call of calls) if (!rest.has(call)) counts.set(call, (counts.get(call) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toStrictEqual({
      socket: 1,
      connect: 1,
      epollControl: 2,
      recv: 4,
      send: 2,
      shutdown: 1,
      close: 2,
    });
    expect(world.count('accept4')).toBeGreaterThan(0);
  });
});

test.runIf('bound' in outcome)('what a longer connection needs is set when it matters', async () => {
  await withWorld(async (world, ends) => {
    const echoPort = await listenEchoing(ends);
    const options = { port: echoPort, keepAliveMs: 60_000 };
    const answers: number[] = [];
    const onData = (_: Connection, bytes: Uint8Array) => void answers.push(bytes.length);
    const connection = world.engine.connect(options, { onConnect: () => undefined, onData });
    await eventually('it is connected', () => connection.isConnected);
    connection.write(new Uint8Array(8));
    expect(world.count(`setsockopt 6 ${TCP_NODELAY}`)).toBe(0);
    connection.write(new Uint8Array(8));
    connection.write(new Uint8Array(8));
    expect(world.count(`setsockopt 6 ${TCP_NODELAY}`)).toBe(1);
    expect(world.count(`setsockopt 1 ${SO_KEEPALIVE}`)).toBe(0);
    world.aheadMs = 5_000;
    await eventually('the kernel looks after it', () => world.count(`setsockopt 1 ${SO_KEEPALIVE}`) === 1);
    const large = world.engine.connect(options, { onConnect: one => one.write(new Uint8Array(20_000)), onData });
    await eventually('it has all come back', () => large.bytesRead === 20_000);
    expect(world.count(`setsockopt 6 ${TCP_NODELAY}`)).toBe(2);
    const given = world.engine.connect(options, { onConnect: () => undefined, onData });
    await eventually('it is connected', () => given.isConnected);
    const { fd } = given.detach();
    expect(world.count(`setsockopt 6 ${TCP_NODELAY}`)).toBe(3);
    expect(world.count(`setsockopt 1 ${SO_KEEPALIVE}`)).toBe(2);
    world.engine.adopt(fd, { isAcceptedHere: true }).destroy();
  });
});
