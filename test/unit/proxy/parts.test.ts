/** Small parts, with a clock that the test moves. */
import { createTestAgent } from '@lars/client-sdk/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FirstByteWatch } from '../../../proxy/src/connect/first-byte-watch.ts';
import { HostAttempt } from '../../../proxy/src/connect/host-attempt.ts';
import { NameResolver } from '../../../proxy/src/connect/name-resolver.ts';
import { ConnectionLimits } from '../../../proxy/src/connection-limits.ts';
import { ConnectionLog } from '../../../proxy/src/connection-log.ts';
import { HostTable } from '../../../proxy/src/pick/host-table.ts';
import { RouteBook } from '../../../proxy/src/pick/route-book.ts';
import { PlacedList } from '../../../proxy/src/placed-list.ts';
import { recordingLog } from '../../support/recording-log.ts';

class ManualTime {
  nowMs = 1_000;
  #due: { readonly atMs: number; readonly callback: () => void }[] = [];

  readonly after = (ms: number, callback: () => void) => {
    this.#due.push({ atMs: this.nowMs + ms, callback });
    return { cancel: () => undefined };
  };

  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > end) break;
      this.#due = this.#due.filter(one => one !== next);
      this.nowMs = next.atMs;
      next.callback();
    }
    this.nowMs = end;
  }
}

async function attemptIn(time: ManualTime) {
  const agent = createTestAgent({ routes: { '1/1': ['10.0.0.1:80'] } });
  const hosts = new HostTable({ maxConnections: 0, failCoolDownMs: 0 });
  const host = await agent.getHost(1, 1);
  const state = hosts.stateOfHost(host);
  hosts.acquire(state);
  const attempt = new HostAttempt({ host, state }, { lars: agent, hosts, nowMs: () => time.nowMs, onReport: () => undefined });
  return { agent, attempt, state };
}

describe('the report of a pick', () => {
  test('comes with the first byte, once, and tells how long it took to connect', async () => {
    const time = new ManualTime();
    const { agent, attempt, state } = await attemptIn(time);
    time.pass(7);
    attempt.connected({ roundTripMs: undefined });
    const watch = new FirstByteWatch({ after: time.after, nowMs: () => time.nowMs });
    const relay = { bytesBToA: 0 };
    watch.add(attempt, relay);
    time.pass(1_000);
    expect(agent.reports).toStrictEqual([]);
    relay.bytesBToA = 1;
    time.pass(100);
    attempt.settle(false);
    attempt.release();
    attempt.release();
    expect(agent.reports).toMatchObject([{ ok: true, tcostMs: 7 }]);
    expect(state.connections).toBe(0);
  });

  test('does not wait for ever for a host that listens', async () => {
    const time = new ManualTime();
    const { agent, attempt } = await attemptIn(time);
    attempt.connected({ roundTripMs: undefined });
    new FirstByteWatch({ after: time.after, nowMs: () => time.nowMs }).add(attempt, { bytesBToA: 0 });
    time.pass(4_900);
    expect(agent.reports).toHaveLength(0);
    time.pass(200);
    expect(agent.reports).toMatchObject([{ ok: true }]);
  });

  test('tells what the kernel has measured, where this process was late', async () => {
    const time = new ManualTime();
    const { agent, attempt } = await attemptIn(time);
    time.pass(80);
    attempt.connected({ roundTripMs: 3.2 });
    attempt.settle(true);
    expect(agent.reports).toMatchObject([{ ok: true, tcostMs: 3.2 }]);
  });

  test('is left out where the place at the host was given back before', async () => {
    const { agent, attempt } = await attemptIn(new ManualTime());
    attempt.release();
    attempt.settle(false);
    expect(agent.reports).toStrictEqual([]);
  });
});

test('a list of what comes and goes has everything that was added and not deleted, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ name: fc.nat({ max: 9 }), isAdded: fc.boolean() }), { maxLength: 60 }), turns => {
      const list = new PlacedList<{ readonly name: number; place: number }>();
      const all = Array.from({ length: 10 }, (_, name) => ({ name, place: -1 }));
      const wanted = new Set<number>();
      for (const { name, isAdded } of turns) {
        const one = all[name] as (typeof all)[number];
        expect(list.delete(one)).toBe(wanted.delete(name));
        if (!isAdded) continue;
        list.add(one);
        wanted.add(name);
      }
      expect(Array.from(list, ({ name }) => name).sort()).toStrictEqual([...wanted].sort());
      expect(list.size).toBe(wanted.size);
    }),
  );
});

test('limits are those of all threads together, and a dead thread gives its part back', () => {
  const first = new ConnectionLimits(2, { threads: 2, thread: 0 });
  const second = new ConnectionLimits(2, { threads: 2, thread: 1, buffer: first.buffer });
  const max = { total: 3, listener: 2 };
  expect([first.acquire(0, max), second.acquire(0, max), first.acquire(0, max)]).toStrictEqual([
    undefined,
    undefined,
    'listener',
  ]);
  expect([first.acquire(1, max), second.acquire(1, max)]).toStrictEqual([undefined, 'total']);
  second.releaseThread(1);
  expect([first.total, first.ofListener(0), first.ofListener(1)]).toStrictEqual([2, 1, 1]);
  first.release(0);
  first.release(1);
  expect([first.total, first.ofListener(0), first.ofListener(1)]).toStrictEqual([0, 0, 0]);
});

test('so many connections a second are logged, and the others counted', () => {
  const time = new ManualTime();
  const recording = recordingLog();
  let unlogged = 0;
  const deps = { log: recording.log, nowMs: () => time.nowMs, onUnlogged: () => unlogged++ };
  const log = new ConnectionLog({ linesPerSecond: 2 }, deps);
  for (let each = 0; each < 5; each++) if (log.hasRoom()) log.write('ended', { each });
  time.pass(1_000);
  if (log.hasRoom()) log.write('ended', { each: 5 });
  expect(recording.records.map(({ fields }) => fields['each'])).toStrictEqual([0, 1, 5]);
  expect(unlogged).toBe(3);
});

test('names are looked up once for all that wait, again behind the connections when they are old, and stay where that fails', async () => {
  const time = new ManualTime();
  const answers = ['10.0.0.1', '10.0.0.2'];
  let lookups = 0;
  const lookup = async () => answers[lookups++] ?? Promise.reject(new Error('unknown'));
  const names = new NameResolver({ lookup, nowMs: () => time.nowMs });
  expect(names.resolve('::1')).toBe('::1');
  expect(await Promise.all([names.resolve('a'), names.resolve('a')])).toStrictEqual(['10.0.0.1', '10.0.0.1']);
  expect([names.resolve('a'), lookups]).toStrictEqual(['10.0.0.1', 1]);
  const seen: unknown[] = [];
  for (let each = 0; each < 3; each++) {
    time.pass(20_000);
    seen.push(names.resolve('a'));
    await new Promise(resolve => setImmediate(resolve));
  }
  expect([seen, names.resolve('a')]).toStrictEqual([['10.0.0.1', '10.0.0.2', '10.0.0.2'], '10.0.0.2']);
  await expect(new NameResolver({ lookup, nowMs: () => time.nowMs }).resolve('b')).rejects.toThrow('unknown');
});

test('a route is asked for again behind the connections, keeps its array while it is the same, and its drained hosts are left out', async () => {
  const time = new ManualTime();
  const agent = createTestAgent({ routes: { '1/1': ['10.0.0.1:80', { host: '10.0.0.2:80', drain: true }] } });
  const hosts = new HostTable({ maxConnections: 0, failCoolDownMs: 0 });
  const book = new RouteBook({ lars: agent, hosts, nowMs: () => time.nowMs });
  const module = { modid: 1, cmdid: 1 };
  const first = await book.hostsOf(module);
  expect(first.map(({ host }) => host.authority)).toStrictEqual(['10.0.0.1:80']);
  time.pass(2_000);
  await book.hostsOf(module);
  await new Promise(resolve => setImmediate(resolve));
  expect(await book.hostsOf(module)).toBe(first);
  agent.setRoute(1, 1, ['10.0.0.3:80']);
  time.pass(2_000);
  await book.hostsOf(module);
  await new Promise(resolve => setImmediate(resolve));
  expect((await book.hostsOf(module)).map(({ host }) => host.authority)).toStrictEqual(['10.0.0.3:80']);
});

test('a route that nobody has needed for long is asked for before it is used, unless the agent could not tell it last time', async () => {
  const time = new ManualTime();
  const agent = createTestAgent({ routes: { '1/1': ['10.0.0.1:80'] } });
  const book = new RouteBook({
    lars: agent,
    hosts: new HostTable({ maxConnections: 0, failCoolDownMs: 0 }),
    nowMs: () => time.nowMs,
  });
  const module = { modid: 1, cmdid: 1 };
  const names = async () => (await book.hostsOf(module)).map(({ host }) => host.authority);
  await names();
  agent.setRoute(1, 1, ['10.0.0.2:80']);
  time.pass(6_000);
  expect(await names()).toStrictEqual(['10.0.0.2:80']);
  agent.fail(1, 1, 'LARS_AGENT_SILENT');
  time.pass(6_000);
  expect(book.hostsOf(module)).toBeInstanceOf(Promise);
  await new Promise(resolve => setImmediate(resolve));
  time.pass(6_000);
  expect(book.hostsOf(module)).toMatchObject([{ host: { authority: '10.0.0.2:80' } }]);
  await new Promise(resolve => setImmediate(resolve));
  agent.recover(1, 1);
  agent.setRoute(1, 1, []);
  time.pass(6_000);
  await names();
  await new Promise(resolve => setImmediate(resolve));
  expect(await names()).toStrictEqual([]);
});
