/** What callers do, seen by a balancer that writes everything down. */
import { formatHost, type HostInfo } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { RoundRobin } from '../../../bench/balancing/contenders/round-robin.ts';
import type { Contender } from '../../../bench/balancing/sim/contender.ts';
import { constant, lognormal } from '../../../bench/balancing/sim/distribution.ts';
import { Outcome } from '../../../bench/balancing/sim/run-log.ts';
import { hosts, type Scenario, scenario, WELL } from '../../../bench/balancing/sim/scenario.ts';
import { simulate } from '../../../bench/balancing/sim/simulation.ts';

type Report = readonly [ok: boolean, tcostMs: number | undefined];

class Recorder extends RoundRobin {
  readonly #reports: Report[];
  readonly #refuses: boolean;

  constructor(reports: Report[], refuses: boolean) {
    super();
    this.#reports = reports;
    this.#refuses = refuses;
  }

  override pick(nowMs: number) {
    return this.#refuses ? undefined : super.pick(nowMs);
  }

  override report(...args: Parameters<RoundRobin['report']>): boolean {
    const [, ok, tcostMs] = args;
    this.#reports.push([ok, tcostMs === undefined ? undefined : Math.round(tcostMs * 1_000) / 1_000]);
    return super.report(...args);
  }
}

/** One host that is idle when a call comes: 20 ms in service, 4 ms for the network. */
function calls(told: Partial<Scenario>, refuses = false) {
  const reports: Report[] = [];
  const contender: Contender = { name: 'recorder', create: () => () => new Recorder(reports, refuses) };
  const usual = { durationMs: 4_000, ratePerSec: 5, agents: 1, work: constant, roundTripMs: 4, timeoutMs: 200 };
  const hostList = hosts(1, { serviceMs: 20, workers: 100 });
  return { reports, log: simulate(scenario({ hosts: hostList, ...usual, ...told }), contender, 5) };
}

function each(report: Report, count: number): Report[] {
  return new Array<Report>(count).fill(report);
}

const refusing = hosts(1, { condition: { ...WELL, availability: 'refusing' } });
const silent = hosts(1, { condition: { ...WELL, availability: 'silent' } });

describe('a report tells', () => {
  test('how long a success took: the way to the host and back, and the time in service', () => {
    const { reports, log } = calls({});
    expect(reports).toEqual(each([true, 24], log.callMs.length));
    expect(log.countOf(Outcome.ok)).toBe(log.callMs.length);
  });

  test('that a refused connection failed after one way there and back', () => {
    const { reports, log } = calls({ hosts: refusing });
    expect(reports).toEqual(each([false, 4], log.callMs.length));
    expect(log.countOf(Outcome.failed)).toBe(log.callMs.length);
  });

  test('that a silent host cost the timeout', () => {
    const { reports, log } = calls({ hosts: silent });
    expect(reports).toEqual(each([false, 200], log.callMs.length));
    expect(log.timeouts).toBe(log.callMs.length);
  });

  test('once that a call timed out, whose answer came too late', () => {
    const { reports, log } = calls({ hosts: hosts(1, { serviceMs: 300, workers: 100 }) });
    expect(reports).toEqual(each([false, 200], log.callMs.length));
    expect(log.busyMs[0]).closeTo(300 * log.callMs.length, 1e-6);
  });

  test('no time where callers do not measure it', () => {
    const { reports, log } = calls({ reportsTcost: false });
    expect(reports).toEqual(each([true, undefined], log.callMs.length));
  });

  test('nothing where it is lost', () => {
    const { reports, log } = calls({ reportLoss: 0.25, durationMs: 400_000 });
    expect(log.countOf(Outcome.ok)).toBe(log.callMs.length);
    expect(reports.length / log.callMs.length).closeTo(0.75, 0.03);
  });
});

describe('retries', () => {
  const retries = { limit: 2, backoffMs: 50 };

  test('a failed call is tried again, up to the limit, after the backoff', () => {
    const { reports, log } = calls({ hosts: refusing, retries });
    expect(reports).toHaveLength(3 * log.callMs.length);
    for (const latencyMs of log.latencyMs) {
      expect(latencyMs).toBeGreaterThanOrEqual(3 * 4 + 2 * 25);
      expect(latencyMs).toBeLessThanOrEqual(3 * 4 + 2 * 75);
    }
  });

  test('a call that succeeds in the end is a success, and as long as all its attempts', () => {
    const { log } = calls({ hosts: [...refusing, ...hosts(1, { serviceMs: 20, workers: 100 })], ratePerSec: 1, retries });
    expect(log.countOf(Outcome.ok)).toBe(log.callMs.length);
    expect(log.latencyMs.filter(latencyMs => Math.abs(latencyMs - 24) > 1e-6).every(latencyMs => latencyMs >= 24 + 4 + 25)).toBe(
      true,
    );
  });

  test('retries do not change the work of the calls that come later', () => {
    const told = {
      hosts: [...hosts(1, { serviceMs: 20, workers: 100 }), ...refusing],
      work: lognormal(1),
      timeoutMs: 1e6,
      retries,
    };
    const inTurn = calls(told).log;
    const alone = calls({ ...told, hosts: told.hosts.slice(0, 1) }).log;
    const alike = inTurn.latencyMs.filter((latencyMs, call) => Math.abs(latencyMs - (alone.latencyMs[call] as number)) < 1e-6);
    expect(alike.length / alone.callMs.length).toBeGreaterThan(0.35);
    expect(alike.length).toBeLessThan(alone.callMs.length);
  });

  test('OVERLOAD is not tried again', () => {
    const { reports, log } = calls({ retries }, true);
    expect(log.countOf(Outcome.refused)).toBe(log.callMs.length);
    expect(log.latencyMs).toEqual(log.latencyMs.map(() => 0));
    expect(log.needlessRefusals).toBe(log.callMs.length);
    expect(reports).toEqual([]);
  });
});

test('calls are spread evenly over the agents, each of which has a balancer of its own', () => {
  const perAgent: Report[][] = [];
  const create = () => () => {
    perAgent.push([]);
    return new Recorder(perAgent.at(-1) as Report[], false);
  };
  const told = { durationMs: 100_000, ratePerSec: 40, agents: 4, hosts: hosts(2) };
  const log = simulate(scenario(told), { name: 'recorders', create }, 1);
  expect(perAgent).toHaveLength(4);
  for (const reports of perAgent) expect(reports.length / log.callMs.length).closeTo(0.25, 0.03);
});

test('a change of the route reaches the balancers when it happens', () => {
  const routes: string[] = [];
  class Listener extends RoundRobin {
    override setHosts(list: readonly HostInfo[], nowMs: number): void {
      routes.push(`${nowMs} ${list.map(formatHost).join(' ')}`);
      super.setHosts(list, nowMs);
    }
  }
  const timeline = [
    { atMs: 1_000, hosts: [1], inRoute: true },
    { atMs: 2_000, hosts: [0], condition: { slowness: 2 } },
    { atMs: 3_000, hosts: [0], inRoute: false },
  ];
  const told = { durationMs: 4_000, ratePerSec: 5, agents: 1, hosts: [...hosts(1), ...hosts(1, { inRoute: false })], timeline };
  simulate(scenario(told), { name: 'listener', create: () => () => new Listener() }, 1);
  expect(routes).toEqual(['0 10.0.0.0:8000', '1000 10.0.0.0:8000 10.0.0.1:8000', '3000 10.0.0.1:8000']);
});

test('a change that names a host which is not there is an error', () => {
  const timeline = [{ atMs: 10, hosts: [1], inRoute: true }];
  expect(() => calls({ timeline })).toThrow('a change at 10 ms names host 1 of 1');
});
