import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_SEQ, type Pending, PendingTable } from '../../../client-sdk/src/link/pending-table.ts';

const answer = (modid: number, cmdid: number, version = 0, notModified = false) => ({
  modid,
  cmdid,
  host: [],
  version,
  overload: false,
  notModified,
});

const waiter = (modid: number, cmdid: number, deadlineMs = 100) => ({
  modid,
  cmdid,
  timeoutMs: 100,
  deadlineMs,
  resolve: () => {},
  reject: () => {},
});

describe('PendingTable', () => {
  test('numbers grow by one, reach 2^32 - 1 and go on with 1', () => {
    const table = new PendingTable(MAX_SEQ - 1);
    const seqs = [0, 1, 2, 3].map(cmdid => table.addHost(waiter(1, cmdid)).seq);
    expect(seqs).toEqual([MAX_SEQ - 1, MAX_SEQ, 1, 2]);
  });

  test('a number that still waits is not given again after the wrap', () => {
    const table = new PendingTable(1, 4);
    const [, second] = [0, 1, 2].map(cmdid => table.addHost(waiter(1, cmdid)));
    table.remove(second as Pending);
    expect([3, 4].map(cmdid => table.addHost(waiter(1, cmdid)).seq)).toEqual([4, 2]);
  });

  test('an answer is taken by number and module, once', () => {
    const table = new PendingTable();
    const pending = table.addHost(waiter(5, 6));
    expect(table.takeHost(pending.seq, 5, 7)).toBeUndefined();
    expect(table.takeHost(pending.seq, 6, 6)).toBeUndefined();
    expect(table.takeHost(pending.seq + 1, 5, 6)).toBeUndefined();
    expect(table.takeHost(pending.seq, 5, 6)).toBe(pending);
    expect(table.takeHost(pending.seq, 5, 6)).toBeUndefined();
  });

  test('a route answers all requests for its module and no others', () => {
    const table = new PendingTable();
    const mine = [table.addRoute(waiter(1, 2)), table.addRoute(waiter(1, 2))];
    const others = [table.addRoute(waiter(2, 1)), table.addHost(waiter(1, 2))];
    expect(table.takeRoute(answer(1, 2))).toEqual(mine);
    expect(table.takeRoute(answer(1, 2))).toEqual([]);
    expect(table.size).toBe(others.length);
  });

  test('an answer that a version is current resolves only the queries with that version', () => {
    const table = new PendingTable();
    const [older, current] = [6, 7].map(version => table.addRefresh(waiter(1, 2), version));
    const route = table.addRoute(waiter(1, 2));
    expect([table.size, table.callerCount]).toEqual([3, 1]);
    expect(table.takeRoute(answer(1, 2, 7, true))).toEqual([current]);
    expect(table.takeRoute(answer(1, 2, 7))).toEqual([older, route]);
    expect([table.size, table.callerCount]).toEqual([0, 0]);
  });

  test('a refresh that was sent after another query waits for its own answer: something happened in between', () => {
    const table = new PendingTable();
    const routes = [table.addRoute(waiter(1, 2)), table.addRoute(waiter(1, 2))];
    const refresh = table.addRefresh(waiter(1, 2), 7);
    expect(table.takeRoute(answer(1, 2, 8))).toEqual(routes);
    expect(table.takeRoute(answer(1, 2, 8))).toEqual([refresh]);
  });

  test('an answer that a version is current is the one to the oldest query with it, and no word on what happened after that', () => {
    const table = new PendingTable();
    // The copy of an old route has no version, and is no reason to ask for less than the whole.
    const [unknown, probe, refresh] = [0, 7, 7].map(version => table.addRefresh(waiter(1, 2), version));
    expect(table.takeRoute(answer(1, 2, 7, true))).toEqual([probe]);
    expect(table.takeRoute(answer(1, 2, 8))).toEqual([unknown]);
    expect(table.takeRoute(answer(1, 2, 8))).toEqual([refresh]);
  });

  test('after whatever was done it holds exactly what was added and neither taken, removed nor expired', () => {
    const module = { modid: fc.integer({ min: -2, max: 2 }), cmdid: fc.integer({ min: -2, max: 2 }) };
    const step = fc.oneof(
      fc.record({ do: fc.constant('host' as const), deadlineMs: fc.nat(100), ...module }),
      fc.record({ do: fc.constant('route' as const), deadlineMs: fc.nat(100), ...module }),
      fc.record({ do: fc.constant('refresh' as const), deadlineMs: fc.nat(100), version: fc.nat(2), ...module }),
      fc.record({ do: fc.constant('takeRoute' as const), version: fc.nat(2), notModified: fc.boolean(), ...module }),
      fc.record({ do: fc.constant('answer' as const), which: fc.nat() }),
      fc.record({ do: fc.constant('remove' as const), which: fc.nat() }),
      fc.record({ do: fc.constant('expire' as const), nowMs: fc.nat(100) }),
    );
    // Few numbers, so that they wrap again and again while older ones wait.
    const MAX = 12;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX }), fc.array(step, { maxLength: 150 }), (firstSeq, steps) => {
        const table = new PendingTable(firstSeq, MAX);
        const model = new Set<Pending>();
        for (const step of steps) {
          const chosen = 'which' in step ? [...model][step.which % Math.max(1, model.size)] : undefined;
          if (step.do === 'host' && model.size < MAX - 1) {
            const added = table.addHost(waiter(step.modid, step.cmdid, step.deadlineMs));
            for (const other of model) if (other.kind === 'host') expect(other.seq).not.toBe(added.seq);
            expect(added.seq).toBeGreaterThanOrEqual(1);
            expect(added.seq).toBeLessThanOrEqual(MAX);
            model.add(added);
          } else if (step.do === 'route') {
            model.add(table.addRoute(waiter(step.modid, step.cmdid, step.deadlineMs)));
          } else if (step.do === 'refresh') {
            model.add(table.addRefresh(waiter(step.modid, step.cmdid, step.deadlineMs), step.version));
          } else if (step.do === 'takeRoute') {
            const { modid, cmdid, version, notModified } = step;
            const isServed = (p: Pending) => (notModified ? p.kind === 'refresh' && p.version === version : p.kind !== 'host');
            const served = [...model].filter(p => p.modid === modid && p.cmdid === cmdid && isServed(p));
            const expected = notModified ? served.slice(0, 1) : served.filter((p, at) => at === 0 || p.kind === 'route');
            expect(table.takeRoute(answer(modid, cmdid, version, notModified))).toEqual(expected);
            for (const taken of expected) model.delete(taken);
          } else if (step.do === 'answer' && chosen?.kind === 'host') {
            expect(table.takeHost(chosen.seq, chosen.modid, chosen.cmdid)).toBe(chosen);
            model.delete(chosen);
          } else if (step.do === 'remove' && chosen !== undefined) {
            expect(table.remove(chosen)).toBe(true);
            expect(table.remove(chosen)).toBe(false);
            model.delete(chosen);
          } else if (step.do === 'expire') {
            for (let due = table.takeExpired(step.nowMs); due !== undefined; due = table.takeExpired(step.nowMs)) {
              expect(due.deadlineMs).toBeLessThanOrEqual(step.nowMs);
              expect(model.delete(due)).toBe(true);
            }
            for (const left of model) expect(left.deadlineMs).toBeGreaterThan(step.nowMs);
          }
          expect(table.size).toBe(model.size);
          expect(table.callerCount).toBe([...model].filter(left => left.kind !== 'refresh').length);
          const deadlines = [...model].map(left => left.deadlineMs);
          expect(table.nextDeadlineMs).toBe(deadlines.length === 0 ? undefined : Math.min(...deadlines));
        }
        for (let any = table.takeAny(); any !== undefined; any = table.takeAny()) expect(model.delete(any)).toBe(true);
        expect(model.size).toBe(0);
      }),
    );
  });
});
