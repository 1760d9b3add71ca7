import { routeKey } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WORKERS_MAX } from '../../../../dnsserver/src/config.ts';
import { RouteSubscriptions } from '../../../../dnsserver/src/serve/subscriptions.ts';
import { fewestConnections } from '../../../../dnsserver/src/serve/workers/worker-pool.ts';
import { WorkerSets } from '../../../../dnsserver/src/serve/workers/worker-subscriptions.ts';

const module = (modid: number) => ({ modid, cmdid: 1 });

describe('subscriptions', () => {
  test('of one connection are limited, those it has stay; others are not concerned', () => {
    const subscriptions = new RouteSubscriptions<string>(2);
    const [one, two, three] = [
      subscriptions.addModule(module(1)),
      subscriptions.addModule(module(2)),
      subscriptions.addModule(module(3)),
    ];
    expect([one, two, three, one].map(subscribed => subscriptions.subscribe(subscribed, 'a', 0))).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(subscriptions.subscribe(three, 'b', 0)).toBe(true);
    expect(subscriptions.count).toBe(3);
  });

  test('are what a plain list says, whatever comes', () => {
    const act = fc.record({
      connection: fc.constantFrom('a', 'b', 'c'),
      modid: fc.nat(3),
      features: fc.nat(3),
      forget: fc.nat(5).map(n => n === 0),
    });
    fc.assert(
      fc.property(fc.array(act), acts => {
        const subscriptions = new RouteSubscriptions<string>(100);
        const model = new Map<string, { connection: string; modid: number; features: number }>();
        for (const { connection, modid, features, forget } of acts) {
          if (forget) {
            const unsubscribed = subscriptions.dropConnection(connection).map(subscribed => subscribed.modid);
            const mine = [...model.values()].filter(entry => entry.connection === connection);
            for (const entry of mine) model.delete(`${connection}${entry.modid}`);
            const alone = mine.filter(mineToo => ![...model.values()].some(entry => entry.modid === mineToo.modid));
            expect(unsubscribed.sort()).toEqual(alone.map(entry => entry.modid).sort());
          } else {
            subscriptions.subscribe(
              subscriptions.get(routeKey(modid, 1)) ?? subscriptions.addModule(module(modid)),
              connection,
              features,
            );
            model.set(`${connection}${modid}`, { connection, modid, features });
          }
        }
        expect(subscriptions.count).toBe(model.size);
        for (const modid of [0, 1, 2, 3]) {
          const told = [...(subscriptions.get(routeKey(modid, 1))?.subscribers ?? [])].map(
            ([connection, features]) => `${connection} ${features}`,
          );
          const expected = [...model.values()]
            .filter(entry => entry.modid === modid)
            .map(entry => `${entry.connection} ${entry.features}`);
          expect(told.sort()).toEqual(expected.sort());
        }
      }),
    );
  });

  test('of a module are gone when it is removed', () => {
    const subscriptions = new RouteSubscriptions<string>(2);
    const subscribed = subscriptions.addModule(module(1));
    expect(subscriptions.get(subscribed.key)).toBe(subscribed);
    subscriptions.removeModule(subscribed);
    expect([subscriptions.get(subscribed.key), subscriptions.moduleCount]).toEqual([undefined, 0]);
  });
});

test('the workers of modules are what a plain list says, whatever comes', () => {
  const act = fc.record({
    worker: fc.constantFrom(0, 1, WORKERS_MAX - 1),
    key: fc.nat(3),
    what: fc.constantFrom('add', 'remove', 'forget'),
  });
  fc.assert(
    fc.property(fc.array(act), acts => {
      const sets = new WorkerSets();
      let model: string[] = [];
      for (const { worker, key, what } of acts) {
        if (what === 'forget') sets.dropWorker(worker);
        else if (what === 'add') sets.add(key, worker);
        else sets.remove(key, worker);
        model = model.filter(entry => entry !== `${key} ${worker}` && !(what === 'forget' && entry.endsWith(` ${worker}`)));
        if (what === 'add') model.push(`${key} ${worker}`);
      }
      for (const key of [0, 1, 2, 3]) {
        expect(sets.isAny(key)).toBe(model.some(entry => entry.startsWith(`${key} `)));
        for (const worker of [0, 1, 2, WORKERS_MAX - 1]) expect(sets.has(key, worker)).toBe(model.includes(`${key} ${worker}`));
      }
      expect(sets.size).toBe(new Set(model.map(entry => entry.split(' ')[0])).size);
    }),
  );
});

describe('a new connection goes', () => {
  test.each<[string, (number | undefined)[], number]>([
    ['to the worker with the fewest', [3, 1, 2], 1],
    ['to the first of equals', [2, 1, 1], 1],
    ['to none that is dead', [undefined, 7, 9], 1],
    ['nowhere when all are dead', [undefined, undefined], -1],
    ['nowhere when there are none', [], -1],
  ])('%s', (_, connections, expected) => expect(fewestConnections(connections)).toBe(expected));
});
