import { routeKey } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Topics } from '../../../dnsserver/src/serve/subscriptions.ts';
import { fewestConnections } from '../../../dnsserver/src/serve/workers/fewest-connections.ts';
import { Followers, WORKERS_MAX } from '../../../dnsserver/src/serve/workers/followers.ts';

const module = (modid: number) => ({ modid, cmdid: 1 });

describe('topics', () => {
  test('of one peer are limited, those it has stay; others are not concerned', () => {
    const topics = new Topics<string>(2);
    const [one, two, three] = [topics.open(module(1)), topics.open(module(2)), topics.open(module(3))];
    expect([one, two, three, one].map(topic => topics.subscribe(topic, 'a', 0))).toEqual([true, true, false, true]);
    expect(topics.subscribe(three, 'b', 0)).toBe(true);
    expect(topics.subscriptions).toBe(3);
  });

  test('are what a plain list says, whatever comes', () => {
    const act = fc.record({
      peer: fc.constantFrom('a', 'b', 'c'),
      modid: fc.nat(3),
      features: fc.nat(3),
      forget: fc.nat(5).map(n => n === 0),
    });
    fc.assert(
      fc.property(fc.array(act), acts => {
        const topics = new Topics<string>(100);
        const model = new Map<string, { peer: string; modid: number; features: number }>();
        for (const { peer, modid, features, forget } of acts) {
          if (forget) {
            const deserted = topics.forget(peer).map(topic => topic.modid);
            const mine = [...model.values()].filter(entry => entry.peer === peer);
            for (const entry of mine) model.delete(`${peer}${entry.modid}`);
            const alone = mine.filter(mineToo => ![...model.values()].some(entry => entry.modid === mineToo.modid));
            expect(deserted.sort()).toEqual(alone.map(entry => entry.modid).sort());
          } else {
            topics.subscribe(topics.get(routeKey(modid, 1)) ?? topics.open(module(modid)), peer, features);
            model.set(`${peer}${modid}`, { peer, modid, features });
          }
        }
        expect(topics.subscriptions).toBe(model.size);
        for (const modid of [0, 1, 2, 3]) {
          const told = [...(topics.get(routeKey(modid, 1))?.subscribers ?? [])].map(([peer, features]) => `${peer} ${features}`);
          const expected = [...model.values()]
            .filter(entry => entry.modid === modid)
            .map(entry => `${entry.peer} ${entry.features}`);
          expect(told.sort()).toEqual(expected.sort());
        }
      }),
    );
  });

  test('are gone when they are closed', () => {
    const topics = new Topics<string>(2);
    const topic = topics.open(module(1));
    expect(topics.get(topic.key)).toBe(topic);
    topics.close(topic);
    expect([topics.get(topic.key), topics.size]).toEqual([undefined, 0]);
  });
});

test('followers are what a plain list says, whatever comes', () => {
  const act = fc.record({
    worker: fc.constantFrom(0, 1, WORKERS_MAX - 1),
    key: fc.nat(3),
    what: fc.constantFrom('add', 'remove', 'forget'),
  });
  fc.assert(
    fc.property(fc.array(act), acts => {
      const followers = new Followers();
      let model: string[] = [];
      for (const { worker, key, what } of acts) {
        if (what === 'forget') followers.forget(worker);
        else if (what === 'add') followers.add(key, worker);
        else followers.remove(key, worker);
        model = model.filter(entry => entry !== `${key} ${worker}` && !(what === 'forget' && entry.endsWith(` ${worker}`)));
        if (what === 'add') model.push(`${key} ${worker}`);
      }
      for (const key of [0, 1, 2, 3]) {
        expect(followers.has(key)).toBe(model.some(entry => entry.startsWith(`${key} `)));
        for (const worker of [0, 1, 2, WORKERS_MAX - 1])
          expect(followers.follows(key, worker)).toBe(model.includes(`${key} ${worker}`));
      }
      expect(followers.size).toBe(new Set(model.map(entry => entry.split(' ')[0])).size);
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
