/** When an agent counts as away, and what becomes of the results until it is back. */
import type { BatchReportRequest } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { AgentPresence, PROBE_ANSWER_MS, SILENT_MS, UNHEARD_MS } from '../../../client-sdk/src/link/agent-presence.ts';
import { AgentWatch, DOUBT_MS, type HostReport } from '../../../client-sdk/src/link/agent-watch.ts';
import { OutageResults } from '../../../client-sdk/src/link/outage-results.ts';
import { hostInfos } from './cache-world.ts';
import { HOST } from './fake-agent.ts';

describe('a server', () => {
  test('that is silent is probed, and away when the probe is not answered: within half a second', () => {
    const presence = new AgentPresence();
    expect(presence.wakeAtMs).toBeUndefined();
    presence.onRequest(1_000);
    presence.onRequest(1_100);
    expect(presence.wakeAtMs).toBe(1_000 + SILENT_MS);
    expect(presence.onTime(1_000 + SILENT_MS - 1)).toBeUndefined();
    expect(presence.onTime(1_000 + SILENT_MS)).toBe('probe');
    expect(presence.onTime(1_000 + SILENT_MS + PROBE_ANSWER_MS - 1)).toBeUndefined();
    expect(presence.onTime(1_000 + SILENT_MS + PROBE_ANSWER_MS)).toBe('lost');
    expect(presence.awaySinceMs).toBeLessThan(1_500);
  });

  test('that answers the probe but not the request is there', () => {
    const presence = new AgentPresence();
    presence.onRequest(0);
    for (let atMs = 0; atMs < 5_000; atMs += SILENT_MS) {
      if (presence.onTime(atMs) === 'probe') presence.onDatagram(atMs + 1, true);
      expect(presence.isAway).toBe(false);
    }
  });

  test('is probed one at a time while it is away, at most half a second apart, and any datagram brings it back', () => {
    const presence = new AgentPresence();
    expect([presence.onFailure(0), presence.onFailure(1)]).toEqual([true, false]);
    const probes: number[] = [];
    for (let atMs = 0; atMs < 5_000; atMs += 10) if (presence.onTime(atMs) === 'probe') probes.push(atMs);
    const gaps = probes.map((atMs, at) => atMs - (probes[at - 1] ?? 0));
    expect(gaps.slice(0, 6)).toEqual([50, 50, 100, 200, 400, 500]);
    expect(Math.max(...gaps)).toBe(500);
    expect([presence.onDatagram(5_000, false), presence.onDatagram(5_001, false)]).toEqual([true, false]);
    expect([presence.isAway, presence.wakeAtMs]).toEqual([false, undefined]);
  });

  test('that is lost a second time is probed as soon as the first time', () => {
    const presence = new AgentPresence();
    for (const lostMs of [0, 100_000]) {
      presence.onFailure(lostMs);
      const probes: number[] = [];
      for (let atMs = lostMs; atMs < lostMs + 1_000; atMs += 10)
        if (presence.onTime(atMs) === 'probe') probes.push(atMs - lostMs);
      expect(probes).toEqual([50, 100, 200, 400, 800]);
      presence.onDatagram(lostMs + 1_000, false);
    }
  });

  test('that only gets reports is probed too, once it was heard', () => {
    const presence = new AgentPresence();
    presence.onReport(0);
    expect(presence.wakeAtMs).toBeUndefined();
    presence.onDatagram(10, false);
    presence.onReport(20);
    expect(presence.onTime(20 + UNHEARD_MS)).toBe('probe');
    expect(presence.onTime(20 + UNHEARD_MS + PROBE_ANSWER_MS)).toBe('lost');
  });
});

const report = (modid: number, ok = true, port = 1): HostReport => ({
  modid,
  cmdid: 0,
  host: { ...HOST, port },
  retcode: ok ? 0 : 1,
  tcost: 3,
});
const answer = (modid: number, hosts = 2) => ({
  modid,
  cmdid: 0,
  host: hostInfos(hosts),
  version: 7,
  overload: false,
  notModified: false,
});

function watched() {
  const batches: BatchReportRequest[] = [];
  const queried: number[] = [];
  const watch = new AgentWatch({
    onState: () => undefined,
    sendProbe: () => undefined,
    queryRoute: modid => queried.push(modid),
    sendBatch: batch => batches.push(batch),
  });
  return { watch, batches, queried };
}

describe('results', () => {
  test('wait for the server, and for its route of their module, and are sent once', () => {
    const { watch, batches, queried } = watched();
    watch.onFailure(0);
    for (const ok of [true, true, false]) expect(watch.takeReport(report(1, ok), 10)).toBe(true);
    watch.takeReport(report(2), 10);
    expect(watch.absence).toEqual({ sinceMs: 0, unsentCalls: 4, droppedCalls: 0 });
    watch.onDatagram(100, false);
    watch.onTime(100);
    expect([queried, batches, watch.isAway, watch.isAwayFor(1, 0)]).toEqual([[1, 2], [], false, true]);
    // A server that was started anew has not got the route yet.
    expect(watch.onRoute(answer(1, 0))).toBe(false);
    expect(watch.takeReport(report(1), 110)).toBe(true);
    expect(watch.onRoute(answer(1))).toBe(true);
    expect([watch.isAwayFor(1, 0), watch.isAwayFor(2, 0), watch.takeReport(report(1), 120)]).toEqual([false, true, false]);
    watch.onTime(200);
    expect(batches).toEqual([
      {
        modid: 1,
        cmdid: 0,
        fromCopy: false,
        simulated: false,
        results: [expect.objectContaining({ port: 1, succ: 3, err: 1, tcost: 12 })],
      },
    ]);
    watch.onTime(100 + DOUBT_MS);
    expect(batches).toHaveLength(2);
    expect([watch.isAwayFor(2, 0), watch.absence.unsentCalls, watch.onRoute(answer(2, 0))]).toEqual([false, 0, true]);
    watch.onTime(100 + 2 * DOUBT_MS);
    expect(batches).toHaveLength(2);
  });

  test('that were refused wait too, and those after which the socket was read without an error do not', () => {
    const { watch } = watched();
    watch.takeReport(report(1), 0);
    watch.onDatagram(1, false);
    watch.takeReport(report(1), 2);
    watch.onFailure(3);
    expect(watch.absence.unsentCalls).toBe(1);
    const other = watched().watch;
    other.takeReport(report(1), 0);
    for (const atMs of [20, 40]) other.onTime(atMs);
    other.onFailure(41);
    expect(other.absence.unsentCalls).toBe(0);
  });

  test('that were sent before a datagram came do not wait, however long before', () => {
    const { watch } = watched();
    watch.takeReport(report(1), 0);
    watch.onTime(20);
    watch.onDatagram(21, false);
    watch.onFailure(22);
    expect(watch.absence.unsentCalls).toBe(0);
  });

  test('that were sent some milliseconds before a request which is refused do not wait: the server has counted them', () => {
    const { watch } = watched();
    watch.takeReport(report(1), 0);
    for (let atMs = watch.wakeAtMs ?? 20; atMs < 20; atMs = watch.wakeAtMs ?? 20) watch.onTime(atMs);
    watch.onRequest(1, 0, 20);
    watch.onFailure(20);
    expect(watch.absence.unsentCalls).toBe(0);
  });

  test('that a hanging server may have in its buffer are not sent again', () => {
    const { watch } = watched();
    watch.onRequest(1, 0, 0);
    watch.takeReport(report(1), 0);
    watch.onTime(SILENT_MS);
    watch.onTime(SILENT_MS + PROBE_ANSWER_MS);
    expect(watch.absence).toMatchObject({ sinceMs: SILENT_MS + PROBE_ANSWER_MS, unsentCalls: 0 });
  });

  test('that wait when the server is lost again go on waiting', () => {
    const { watch, batches } = watched();
    watch.onFailure(0);
    watch.takeReport(report(1), 1);
    watch.onDatagram(2, false);
    watch.onRoute(answer(1));
    watch.onFailure(3);
    expect(watch.absence.unsentCalls).toBe(1);
    expect(watch.takeAll()).toHaveLength(1);
    expect([batches, watch.absence.unsentCalls]).toEqual([[], 0]);
  });
});

describe('what is remembered of an outage', () => {
  const batch = (modid: number, port: number, succ: number, err: number, tcost: number): BatchReportRequest => ({
    modid,
    cmdid: 0,
    fromCopy: true,
    simulated: false,
    results: [{ ip: 1, port, addr: '', succ, err, tcost }],
  });

  test('is summed by host, those with durations apart, in batches that the agent takes whole', () => {
    const results = new OutageResults();
    for (const [succ, err, tcost] of [
      [25_000, 0, 50_000],
      [0, 1, 4],
      [10, 0, 0],
    ] as const)
      results.add(batch(1, 1, succ, err, tcost));
    expect(results.calls).toBe(25_011);
    const [[key]] = results.modules() as unknown as [[number, unknown]];
    const batches = results.take(key as never);
    const all = batches.flatMap(one => one.results);
    const sum = (pick: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + pick(one), 0);
    expect([sum(one => one.succ), sum(one => one.err), sum(one => one.tcost)]).toEqual([25_010, 1, 50_004]);
    for (const one of batches)
      expect(one.results.reduce((calls, { succ, err }) => calls + succ + err, 0)).toBeLessThanOrEqual(10_001);
    expect([results.calls, results.take(key as never)]).toEqual([0, []]);
  });

  test('is bounded in calls and in hosts, and what is dropped is counted', () => {
    const results = new OutageResults();
    results.add(batch(1, 1, 999_999, 0, 0));
    results.add(batch(1, 1, 2, 0, 0));
    expect([results.calls, results.dropped]).toEqual([999_999, 2]);
    const many = new OutageResults();
    for (let port = 1; port <= 10_005; port++) many.add(batch(1, port, 1, 0, 0));
    expect([many.calls, many.dropped]).toEqual([10_000, 5]);
    for (const [key] of [...many.modules()]) many.take(key);
    many.add(batch(1, 1, 1, 0, 0));
    expect([many.calls, many.dropped]).toEqual([1, 5]);
  });
});
