import { Errno } from '@lars/syscalls/errno';
import { describe, expect, test } from 'vitest';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { SocketListener } from '../../../reactor/src/native/socket-listener.ts';
import type { SocketContext } from '../../../reactor/src/native/stream-socket.ts';

const FD = 7;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A listener on a kernel of which each accept takes a millisecond, and that notes what happens in order. */
class World {
  readonly happened: string[] = [];
  readonly core: EngineCore;
  readonly listener: SocketListener;
  nowMs = 0;
  #endings: (() => void)[] = [];

  /** @param waiting connections in the kernel's queue */
  constructor(waiting: number) {
    let left = waiting;
    this.core = new EngineCore({ log: silent, nowMs: () => this.nowMs });
    const accept = (): number => {
      this.nowMs += 1;
      left -= 1;
      if (left < 0) this.happened.push('no more');
      return left < 0 ? -1 : 100;
    };
    const context = {
      core: this.core,
      hub: {
        add: () => undefined,
        remove: () => this.happened.push('unwatched'),
        tellLater: (ending: () => void) => this.#endings.push(ending),
        closeNow: (fd: number) => this.happened.push(`close ${fd}`),
      },
      libc: { errno: () => Errno.EAGAIN },
      sockets: { accept, localAddress: () => undefined },
    } as unknown as SocketContext;
    this.listener = new SocketListener(
      {
        context,
        file: undefined,
        onAccept: () => this.happened.push('accepted'),
        onAccepted: () => this.happened.push('served'),
        onGone: () => undefined,
      },
      FD,
    );
  }

  /** What is told at the end of a round. @returns how many connections were accepted in it */
  endRound(): number {
    const before = this.#accepted;
    for (const ending of this.#endings.splice(0)) ending();
    return this.#accepted - before;
  }

  get #accepted(): number {
    return this.happened.filter(one => one === 'accepted').length;
  }
}

describe('a listener that closes', () => {
  test('closes right when no more waits, and has the last ones served after that', async () => {
    const world = new World(2);
    const closed = world.listener.close();
    world.endRound();
    await closed;
    expect(world.happened).toStrictEqual(['unwatched', 'accepted', 'accepted', 'no more', `close ${FD}`, 'served']);
  });

  test('gives others their turn while it accepts the last, and closes though more and more come', async () => {
    const world = new World(Number.POSITIVE_INFINITY);
    let isClosed = false;
    const closed = world.listener.close().then(() => {
      isClosed = true;
    });
    const perRound: number[] = [];
    for (let round = 0; round < 100 && !world.happened.includes(`close ${FD}`); round++) perRound.push(world.endRound());
    expect(world.happened).toContain(`close ${FD}`);
    await closed;
    expect(isClosed).toBe(true);
    expect(Math.max(...perRound)).toBe(64);
    expect(world.nowMs).toBeGreaterThanOrEqual(1_000);
    expect(world.nowMs).toBeLessThan(1_100);
    expect(world.endRound()).toBe(0);
  });

  test('accepts nothing where the engine is closed, which would not end it', async () => {
    const world = new World(Number.POSITIVE_INFINITY);
    const closed = world.listener.close();
    world.core.isClosed = true;
    expect(world.endRound()).toBe(0);
    await closed;
    expect(world.happened).toContain(`close ${FD}`);
  });
});
