import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FailoverClient, type ServerConnection } from '../../../../runtime/src/tcp/failover-client.ts';
import type { FramedClientEvents } from '../../../../runtime/src/tcp/framed-client.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
const clients: FailoverClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** How a server meets who connects: it refuses, lets wait for ever, or accepts. */
type Manner = 'refuses' | 'ignores' | 'accepts';

class FakeConnection implements ServerConnection {
  up = false;
  readonly queued: Uint8Array[] = [];
  readonly #events: FramedClientEvents;
  readonly #manner: Manner;
  #isOver = false;

  constructor(manner: Manner, events: FramedClientEvents) {
    this.#manner = manner;
    this.#events = events;
  }

  /** Connecting takes a moment, as it does with a socket. */
  start(): void {
    setTimeout(() => {
      if (this.#isOver) return;
      if (this.#manner === 'refuses') this.fail('refused');
      if (this.#manner !== 'accepts') return;
      this.up = true;
      this.#events.onUp();
    }, 1);
  }

  queue(bytes: Uint8Array): boolean {
    if (this.up) this.queued.push(bytes);
    return this.up;
  }

  flush(): void {}

  stop(): void {
    this.#isOver = true;
    this.up = false;
  }

  frame(): void {
    this.#events.onFrame(1, new Uint8Array());
  }

  fail(why: string): void {
    const wasUp = this.up;
    this.stop();
    if (wasUp) this.#events.onDown();
    this.#events.onFailed?.(why);
  }
}

/** Servers a, b, ... that the test lets live and die, and a client of them. Whoever is probed answers at once, unless it is mute. */
class World {
  readonly manners: Manner[];
  readonly mute = new Set<number>();
  readonly wanted = new Set<number>();
  readonly told: string[] = [];
  readonly recording = recordingLog();
  readonly client: FailoverClient;
  readonly connections: { readonly server: number; readonly connection: FakeConnection }[] = [];

  constructor(manners: readonly Manner[], random = () => 0.5) {
    this.manners = [...manners];
    const name = (server: number) => 'abcdef'[server] as string;
    this.client = new FailoverClient(
      {
        servers: manners.map((_, server) => name(server)),
        serverName: 'dnsserver',
        returnMs: 10_000,
        probeTimeoutMs: 1_000,
        lingerMs: 8_000,
        backoffMinMs: 100,
        backoffMaxMs: 1_600,
      },
      {
        log: this.recording.log,
        random,
        isWanted: server => this.wanted.has(server),
        connect: (server, events) => {
          const connection = new FakeConnection(this.manners[server] as Manner, events);
          this.connections.push({ server, connection });
          return connection;
        },
      },
      {
        onProbe: server => {
          this.told.push(`probe ${name(server)}`);
          if (!this.mute.has(server)) this.client.confirm(server);
        },
        onUse: (server, before) => this.told.push(`use ${name(server)}${before === undefined ? '' : ` after ${name(before)}`}`),
        onFrame: server => this.told.push(`frame of ${name(server)}`),
        onDown: (server, wasUsed) => this.told.push(`${name(server)} down${wasUsed ? '' : ', not in use'}`),
      },
    );
    clients.push(this.client);
    this.client.start();
  }

  /** The youngest connection to the server. */
  connection(server: number): FakeConnection {
    return this.connections.findLast(each => each.server === server)?.connection as FakeConnection;
  }

  dies(server: number): void {
    this.manners[server] = 'refuses';
    this.connection(server).fail('reset');
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

/** Long enough for all attempts of a round, short against the pauses between rounds. */
const MOMENT_MS = 10;
/** The longest first pause after a loss: half of 100 ms, as the random number is a half. */
const PAUSE_MS = 50;

describe('the first server of the list that answers is used', () => {
  test('the first, when all are there', () => {
    const world = new World(['accepts', 'accepts']);
    vi.advanceTimersByTime(MOMENT_MS);
    expect([world.take(), world.client.used]).toEqual([['use a'], 0]);
  });

  test('the next one at once, when one refuses, and the log says which is down', () => {
    const world = new World(['refuses', 'refuses', 'accepts']);
    vi.advanceTimersByTime(MOMENT_MS);
    expect([world.take(), world.client.used]).toEqual([['use c'], 2]);
    expect(world.recording.records).toMatchObject([{ fields: { server: 'c', down: 'a (refused), b (refused)' } }]);
    expect([world.client.isDown(0), world.client.isDown(2)]).toEqual([true, false]);
  });

  test('when none answers all are tried again with growing pauses, and the log has one line for all of it', () => {
    const world = new World(['refuses', 'refuses']);
    const attempts: number[] = [];
    for (const pauseMs of [50, 100, 200, 400, 800, 800]) {
      vi.advanceTimersByTime(MOMENT_MS);
      attempts.push(world.connections.length);
      vi.advanceTimersByTime(pauseMs);
    }
    expect(attempts).toEqual([2, 4, 6, 8, 10, 12]);
    expect(world.recording.events()).toEqual(['dnsserver: cannot connect, retrying until one answers']);
    world.manners[1] = 'accepts';
    vi.advanceTimersByTime(1_000);
    expect([world.take(), world.client.used]).toEqual([['use b'], 1]);
  });
});

describe('a server in use that is lost', () => {
  test('is replaced by the next one after a short random pause', () => {
    const world = new World(['accepts', 'accepts']);
    vi.advanceTimersByTime(2_000);
    world.dies(0);
    expect(world.client.used).toBeUndefined();
    vi.advanceTimersByTime(PAUSE_MS + MOMENT_MS);
    expect(world.take()).toEqual(['use a', 'a down', 'use b after a']);
  });

  test('and one that is given up because it is silent is not tried first, though it still accepts', () => {
    const world = new World(['accepts', 'accepts']);
    vi.advanceTimersByTime(2_000);
    expect(world.client.hasAlternative(0)).toBe(true);
    world.client.giveUp(0, 'it does not answer');
    vi.advanceTimersByTime(PAUSE_MS + MOMENT_MS);
    expect(world.take()).toEqual(['use a', 'a down', 'use b after a']);
    expect([world.client.isDown(0), world.client.hasAlternative(1)]).toEqual([true, false]);
  });

  test('servers that accept and close are said to be lost twice, and to be connected when one stays', () => {
    const world = new World(['accepts', 'accepts']);
    for (let losses = 0; losses < 8; losses++) {
      while (world.client.used === undefined) vi.advanceTimersByTime(MOMENT_MS);
      world.connection(world.client.used).fail('reset');
    }
    const told = ['dnsserver: connected', 'dnsserver: connection lost'];
    expect(world.recording.events()).toEqual([...told, ...told]);
    vi.advanceTimersByTime(5_000);
    expect(world.recording.events().slice(4)).toEqual(['dnsserver: connected']);
    world.dies(world.client.used ?? 0);
    expect(world.recording.events()[5]).toBe('dnsserver: connection lost');
  });

  test('servers that accept and close are not dialled in a hot loop', () => {
    const world = new World(['accepts', 'accepts']);
    for (let losses = 0; losses < 8; losses++) {
      vi.advanceTimersByTime(1_700);
      world.connection(world.client.used ?? 0).fail('reset');
    }
    const before = world.connections.length;
    for (let ms = 0; ms < 1_000; ms++) {
      vi.advanceTimersByTime(1);
      for (const { connection } of world.connections) if (connection.up) connection.fail('reset');
    }
    expect(world.connections.length - before).toBeLessThan(12);
  });
});

describe('a preferred server that is back', () => {
  const failedOver = () => {
    const world = new World(['accepts', 'accepts']);
    vi.advanceTimersByTime(2_000);
    world.dies(0);
    vi.advanceTimersByTime(PAUSE_MS + MOMENT_MS);
    world.take();
    return world;
  };

  test('is used when it has answered on a second connection, and the first one stays until it is released', () => {
    const world = failedOver();
    world.manners[0] = 'accepts';
    world.mute.add(0);
    vi.advanceTimersByTime(3_500);
    expect([world.take(), world.client.used, world.client.isProbed(0)]).toEqual([['probe a'], 1, true]);
    world.client.confirm(0);
    expect([world.client.used, world.client.spares, world.client.isUp(1)]).toEqual([0, [1], true]);
    world.connection(1).frame();
    world.client.release(1);
    expect(world.take()).toEqual(['use a after b', 'frame of b', 'b down, not in use']);
    expect([world.client.used, world.client.isUp(1)]).toEqual([0, false]);
  });

  test('and accepts but does not answer is not used, and not logged again and again', () => {
    const world = failedOver();
    world.manners[0] = 'accepts';
    world.mute.add(0);
    const logged = world.recording.records.length;
    vi.advanceTimersByTime(40_000);
    expect(world.client.used).toBe(1);
    expect(new Set(world.take())).toEqual(new Set(['probe a', 'a down, not in use']));
    expect(world.recording.records).toHaveLength(logged);
  });

  test('and is lost again while the connection before is there: that one is used at once', () => {
    const world = failedOver();
    world.manners[0] = 'accepts';
    vi.advanceTimersByTime(3_500);
    world.take();
    world.dies(0);
    expect([world.take(), world.client.used]).toEqual([['a down', 'use b after a'], 1]);
  });

  test('and nobody releases the connection before: it is closed after a while', () => {
    const world = failedOver();
    world.manners[0] = 'accepts';
    vi.advanceTimersByTime(3_500);
    expect(world.client.spares).toEqual([1]);
    vi.advanceTimersByTime(8_000);
    expect([world.client.spares, world.client.used]).toEqual([[], 0]);
  });

  test('while the one in use is lost: it is used as soon as it is there', () => {
    const world = failedOver();
    world.manners[0] = 'accepts';
    world.dies(1);
    // The pause is longer now, because neither of the two has been used for a second.
    vi.advanceTimersByTime(2 * PAUSE_MS + MOMENT_MS);
    expect(world.client.used).toBe(0);
  });
});

test('a later server is connected to beside the one in use only where that is wanted', () => {
  const world = new World(['accepts', 'accepts']);
  vi.advanceTimersByTime(30_000);
  expect(world.take()).toEqual(['use a']);
  world.wanted.add(1);
  vi.advanceTimersByTime(10_000);
  expect([world.take(), world.client.used, world.client.spares]).toEqual([['probe b'], 0, [1]]);
  expect(world.client.queue(Uint8Array.of(1), 1)).toBe(true);
  expect(world.connection(1).queued).toEqual([Uint8Array.of(1)]);
});

test('a later server that was down is tried until it answers, and may then replace the one in use again', () => {
  const world = new World(['accepts', 'refuses']);
  vi.advanceTimersByTime(2_000);
  world.connection(0).fail('reset');
  vi.advanceTimersByTime(PAUSE_MS + MOMENT_MS);
  expect([world.take(), world.client.isDown(1)]).toEqual([['use a', 'a down', 'use a after a'], true]);
  vi.advanceTimersByTime(10_000);
  expect([world.client.hasAlternative(0), world.take()]).toEqual([false, []]);
  world.manners[1] = 'accepts';
  vi.advanceTimersByTime(10_000);
  expect([world.client.hasAlternative(0), world.client.used, world.take()]).toEqual([true, 0, ['probe b']]);
  world.client.release(1);
  vi.advanceTimersByTime(30_000);
  expect(world.take()).toEqual(['b down, not in use']);
});

test('an attempt that is under way when the client stops comes to nothing', () => {
  const world = new World(['accepts', 'accepts']);
  world.client.stop();
  vi.advanceTimersByTime(20_000);
  expect([world.take(), world.connections.length]).toEqual([[], 1]);
});

test('a thousand clients return evenly over ten seconds, whenever the server comes back', () => {
  const random = seededRandom(7);
  const worlds = Array.from({ length: 1_000 }, () => new World(['refuses', 'accepts'], random));
  vi.advanceTimersByTime(123_456);
  for (const world of worlds) world.manners[0] = 'accepts';
  const returned = () => worlds.filter(({ client }) => client.used === 0).length;
  const perSecond: number[] = [];
  for (let second = 0; second < 10; second++) {
    const before = returned();
    vi.advanceTimersByTime(1_000);
    perSecond.push(returned() - before);
  }
  expect(returned()).toBeGreaterThanOrEqual(999);
  expect(Math.max(...perSecond)).toBeLessThan(150);
  expect(Math.min(...perSecond)).toBeGreaterThan(50);
});
