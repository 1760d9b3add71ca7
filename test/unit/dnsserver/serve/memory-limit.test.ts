import { describe, expect, test } from 'vitest';
import { MemoryLimit, type MemoryLimits } from '../../../../dnsserver/src/serve/memory-limit.ts';
import { hostInfos } from '../../../support/agent-messages.ts';
import { encoded, route } from './push-routes.ts';

interface User {
  readonly name: string;
  subscriptions: number;
  backlog: number;
  parked: number;
}

function world(limits: Partial<MemoryLimits>) {
  const users = new Set<User>();
  const closed: string[] = [];
  const all = () => [...users];
  const limit = new MemoryLimit<User>(
    { perConnection: Number.POSITIVE_INFINITY, total: Number.POSITIVE_INFINITY, ...limits },
    {
      subscriptionsOf: user => user.subscriptions,
      get subscriptions() {
        return all().reduce((sum, { subscriptions }) => sum + subscriptions, 0);
      },
      modules: 0,
      connections: () => all().filter(({ subscriptions }) => subscriptions > 0),
      parkedOf: user => user.parked,
      backlogOf: user => user.backlog,
      close: (user, why) => {
        users.delete(user);
        limit.drop(user);
        closed.push(`${user.name}: ${why}`);
      },
    },
  );
  const add = (name: string, uses: Partial<User>): User => {
    const user = { name, subscriptions: 0, backlog: 0, parked: 0, ...uses };
    users.add(user);
    limit.check(user);
    return user;
  };
  return { limit, add, closed };
}

describe('a connection that takes too much', () => {
  test.each<[string, Partial<User>]>([
    ['subscriptions', { subscriptions: 1_000 }],
    ['parked requests', { parked: 1_000 }],
    ['backlog', { backlog: 200_000 }],
  ])('of %s is closed, and the reason names the key', (_, uses) => {
    const { add, closed } = world({ perConnection: 100_000 });
    add('modest', { subscriptions: 10, parked: 10, backlog: 20_000 });
    add('greedy', uses);
    expect(closed).toEqual([expect.stringMatching(/^greedy: it takes \d+ bytes, more than \[tcp\] max_connection_memory$/)]);
  });
});

test('one that is answered only is counted as soon as its backlog is worth it, and until that has left', () => {
  const { limit, add, closed } = world({ perConnection: 100_000 });
  const user = add('asks on', { subscriptions: 10 });
  const total = (backlog: number) => {
    user.backlog = backlog;
    limit.checkAnswered(user);
    return limit.total;
  };
  expect([1_000, 50_000, 1_000, 0, 1_000].map(total)).toEqual([1_600, 51_600, 2_600, 1_600, 1_600]);
  total(200_000);
  expect(closed).toEqual([expect.stringContaining('asks on')]);
});

describe('when all together take too much', () => {
  test('the largest go until the rest fits, not who asked last', () => {
    const { limit, add, closed } = world({ total: 1_000_000 });
    add('first', { subscriptions: 4_000 });
    add('second', { backlog: 250_000 });
    add('honest', { subscriptions: 1_000 });
    expect(closed).toEqual([expect.stringMatching(/^first: all connections take more than \[tcp\] max_memory.*, 640000 bytes$/)]);
    expect(limit.total).toBe(250_000 + 160_000);
  });

  test('a backlog that has left since closes nobody', () => {
    const { limit, add, closed } = world({ total: 1_000_000 });
    const once = add('once', { backlog: 900_000 });
    once.backlog = 0;
    add('other', { backlog: 800_000 });
    expect(closed).toEqual([]);
    expect(limit.total).toBe(800_000);
  });

  test('the backlog of a connection that is closed counts no more', () => {
    const { limit, add } = world({});
    const one = add('one', { backlog: 300_000 });
    add('other', { backlog: 50_000 });
    limit.drop(one);
    expect(limit.total).toBe(50_000);
  });

  test('encoded routes count, and are forgotten', () => {
    const { limit } = world({});
    const made = encoded(route(hostInfos(100)));
    limit.changeRoute(undefined, made);
    expect(limit.total).toBeGreaterThan((made.frames[0] as Uint8Array).length);
    limit.changeRoute(made, undefined);
    expect(limit.total).toBe(0);
  });
});
