import { encodeBody, type GetRouteResponse, MessageId } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { RouteLog } from '../../../agent/src/dns/route-log.ts';
import { newRouteMemory } from '../../../agent/src/dns/route-memory.ts';
import { StoredRoutes } from '../../../agent/src/dns/stored-routes.ts';
import type { RouteUpdate } from '../../../agent/src/threads/messages.ts';
import { hostInfo, hostInfos } from '../../support/agent-messages.ts';

const STORED_AT_MS = 1_700_000_000_000;

class World {
  readonly updates: RouteUpdate[] = [];
  readonly none: number[] = [];
  readonly log = new RouteLog(newRouteMemory(0), 10_000_000, { onMoved: () => undefined, onDropped: () => undefined });
  readonly stored = new StoredRoutes(this.log, {
    confirmedAtMs: () => STORED_AT_MS,
    onRoute: update => this.updates.push(update),
    onNone: ({ modid }) => this.none.push(modid),
  });

  respond(response: Partial<GetRouteResponse>): void {
    const whole = { modid: 1, cmdid: 1, host: hostInfos(2), version: 9, overload: false, notModified: false, ...response };
    this.stored.onResponse(whole, encodeBody(MessageId.GetRouteResponse, whole));
  }
}

function knowing(...modids: number[]): World {
  const world = new World();
  for (const modid of modids) world.respond({ modid });
  return world;
}

describe('while the link is down', () => {
  test('a query is answered at once, with the time of the confirmation and without a version', () => {
    const { stored, updates } = knowing(1);
    expect(stored.query({ modid: 1, cmdid: 1 }, false, 0)).toBe(true);
    expect(stored.answerDue(0)).toBeUndefined();
    expect(updates).toEqual([{ modid: 1, cmdid: 1, hosts: hostInfos(2), version: 0, storedAtMs: STORED_AT_MS }]);
  });

  test('of a module that is not known, or does not exist any more, nothing is said', () => {
    const world = knowing(1);
    world.respond({ host: [] });
    expect(world.stored.query({ modid: 1, cmdid: 1 }, false, 0)).toBe(false);
    expect(world.stored.query({ modid: 2, cmdid: 1 }, false, 0)).toBe(false);
    expect([world.stored.answerDue(0), world.updates]).toEqual([undefined, []]);
  });

  test('hosts that cannot be called are left out', () => {
    const { stored, updates, ...world } = Object.assign(new World());
    expect(world.log.routeCount).toBe(0);
    const response = { modid: 1, cmdid: 1, host: [hostInfo(1), hostInfo(0)], version: 1, overload: false, notModified: false };
    stored.onResponse(response, encodeBody(MessageId.GetRouteResponse, response));
    stored.query({ modid: 1, cmdid: 1 }, false, 0);
    stored.answerDue(0);
    expect(updates).toMatchObject([{ hosts: [hostInfo(1)] }]);
  });

  test('where none can be called, that is said instead of nothing', () => {
    const world = new World();
    world.respond({ host: [hostInfo(0)] });
    expect(world.stored.query({ modid: 1, cmdid: 1 }, false, 0)).toBe(true);
    world.stored.answerDue(0);
    expect([world.updates, world.none]).toEqual([[], [1]]);
  });

  test('many queries are answered in slices', () => {
    const modids = Array.from({ length: 2_000 }, (_, i) => i);
    const world = new World();
    for (const modid of modids) world.respond({ modid, host: hostInfos(50) });
    for (const modid of modids) world.stored.query({ modid, cmdid: 1 }, false, 5);
    expect(world.stored.answerDue(5)).toBe(5);
    expect(world.updates.length).toBeLessThan(1_000);
    while (world.stored.answerDue(5) !== undefined);
    expect(world.updates.map(({ modid }) => modid)).toEqual(modids);
  });
});

describe('while the link stands', () => {
  test('"not modified" gives a shard no route: it answers an earlier query', () => {
    const world = knowing(1);
    world.stored.query({ modid: 1, cmdid: 1 }, true, 100);
    world.respond({ host: [], notModified: true });
    world.stored.answerDue(1_000);
    expect(world.updates).toMatchObject([{ hosts: hostInfos(2) }]);
  });

  test('dnsserver has a moment to answer', () => {
    const { stored, updates } = knowing(1);
    stored.query({ modid: 1, cmdid: 1 }, true, 100);
    const dueMs = stored.answerDue(100) ?? 0;
    expect(dueMs).toBeGreaterThan(100);
    expect(dueMs).toBeLessThan(200);
    expect(updates).toEqual([]);
    expect(stored.answerDue(dueMs)).toBeUndefined();
    expect(updates).toHaveLength(1);
  });

  test('its answer takes the place of the old route', () => {
    const world = knowing(1);
    world.stored.query({ modid: 1, cmdid: 1 }, true, 100);
    world.respond({ host: hostInfos(3) });
    expect([world.stored.answerDue(1_000), world.updates]).toEqual([undefined, []]);
  });

  test('when it breaks, the old route is taken at once', () => {
    const world = knowing(1);
    world.stored.query({ modid: 1, cmdid: 1 }, true, 100);
    world.stored.onLinkDown();
    world.stored.answerDue(101);
    expect(world.updates).toHaveLength(1);
  });
});
