import { Purpose } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { batchFrame, hostInfo, hostInfos, namedHost } from '../../support/agent-messages.ts';
import { REPORT_TIMEOUT_MS, ROUTE_WAIT_MS, ShardWorld } from './shard-world.ts';

const MODULE = { modid: 0, cmdid: 0 };
const OVERLOAD = 1;
const SYSTEM_ERROR = 2;
const NO_EXIST = 3;
const ALGORITHMS = {
  adaptive: adaptiveBalancer(ADAPTIVE_DEFAULTS),
  classic: classicBalancer(CLASSIC_DEFAULTS),
} as const;

describe.each(Object.entries(ALGORITHMS))('a look at a module with %s', (_, newBalancer) => {
  function world(hosts = hostInfos(20)): ShardWorld {
    const shards = new ShardWorld({ newBalancer });
    shards.route(0, 0, hosts);
    return shards;
  }
  const look = (shards: ShardWorld, features = 0) => shards.getHost({ ...MODULE, features, purpose: Purpose.Look });
  const explain = (shards: ShardWorld) => shards.shardAt(0).explain(MODULE, shards.nowMs, shards.unixMs);

  test('names a host and changes nothing: not what is known, not the picks that follow, not the statistics', () => {
    const [looked, other] = [world(), world()];
    const picks = (shards: ShardWorld) => Array.from({ length: 40 }, () => shards.getHost(MODULE)?.host?.port);
    expect([picks(looked), explain(looked)]).toEqual([picks(other), explain(other)]);
    const hosts = Array.from({ length: 30 }, () => look(looked)?.host?.port);
    expect(hosts.every(port => port !== undefined && port <= 20)).toBe(true);
    expect(explain(looked)).toEqual(explain(other));
    expect(picks(looked)).toEqual(picks(other));
    expect(looked.counted()).toEqual({ ...other.counted(), getHostLooks: 30 });
  });

  test('names the host that is picked next', () => {
    const shards = world(hostInfos(3));
    for (let i = 0; i < 12; i++) expect(look(shards)?.host).toEqual(shards.getHost(MODULE)?.host);
  });

  test('is no probe: where all hosts are ejected or drain, no host may be called', () => {
    const shards = world([hostInfo(1), hostInfo(2, { drain: true })]);
    shards.send(0, batchFrame({ ...MODULE, results: [{ ...hostInfo(1), succ: 1 }] }));
    expect(look(shards)).toMatchObject({ retcode: 0, host: { port: 1 } });
    shards.route(0, 0, [hostInfo(1, { drain: true }), hostInfo(2, { drain: true })]);
    expect(look(shards)).toMatchObject({ retcode: OVERLOAD, host: undefined });
  });

  test('is answered as a pick is: a caller of IPv4 alone, a module that is not known', () => {
    const shards = world([namedHost('db.example')]);
    expect([look(shards)?.retcode, look(shards, 1)?.retcode]).toEqual([SYSTEM_ERROR, 0]);
    expect(shards.getHost({ modid: 3, cmdid: 0, purpose: Purpose.Look })).toBeUndefined();
    shards.advance(ROUTE_WAIT_MS);
    shards.expireWaits();
    expect(shards.takeGetHostAnswers()).toMatchObject([{ modid: 3, retcode: NO_EXIST }]);
    expect(shards.counted()).not.toHaveProperty('getHost');
  });
});

describe('simulated calls', () => {
  function played(simulated: boolean): ShardWorld {
    const shards = new ShardWorld({ newBalancer: ALGORITHMS.adaptive });
    shards.route(0, 0, hostInfos(2));
    const purpose = simulated ? Purpose.Simulation : Purpose.Call;
    for (let i = 0; i < 200; i++) {
      const host = shards.getHost({ ...MODULE, purpose })?.host;
      if (host === undefined) continue;
      const [succ, err] = host.port === 2 ? [0, 1] : [1, 0];
      shards.advance(3);
      shards.send(0, batchFrame({ ...MODULE, simulated, results: [{ ...host, succ, err, tcost: 3 }] }));
    }
    return shards;
  }

  function reported(shards: ShardWorld) {
    shards.advance(REPORT_TIMEOUT_MS);
    shards.flushDue();
    return shards.reports.flatMap(({ results }) => results.map(({ port, succ, err, tcost }) => ({ port, succ, err, tcost })));
  }

  test('teach the balancer what real ones do, and are not told to the reporter', () => {
    const [simulated, real] = [played(true), played(false)];
    const hostsOf = ({ nowMs, unixMs, ...shards }: ShardWorld) => shards.shards[0]?.explain(MODULE, nowMs, unixMs).hosts;
    expect(hostsOf(simulated)).toEqual(hostsOf(real));
    expect(hostsOf(simulated)?.map(({ state }) => state)).toEqual(['healthy', 'ejected']);
    const calls = real.count('reportedCalls');
    expect([simulated.count('simulatedCalls'), simulated.count('reportedCalls')]).toEqual([calls, 0]);
    expect(reported(real).reduce((sum, { succ, err }) => sum + succ + err, 0)).toBe(calls);
    expect(reported(simulated).filter(({ succ, err }) => succ + err > 0)).toEqual([]);
  });

  test('that come between real ones leave their sums as they are, also in large batches', () => {
    const shards = played(true);
    shards.send(0, batchFrame({ ...MODULE, results: [{ ...hostInfo(1), succ: 7, err: 1, tcost: 80 }] }));
    shards.send(
      0,
      batchFrame({ ...MODULE, simulated: true, results: [{ ...hostInfo(1), succ: 5_000, err: 10, tcost: 50_100 }] }),
    );
    shards.send(0, batchFrame({ ...MODULE, results: [{ ...hostInfo(1), succ: 3_000, tcost: 30_000 }] }));
    expect(reported(shards).filter(({ port }) => port === 1)).toEqual([{ port: 1, succ: 3_007, err: 1, tcost: 30_080 }]);
  });

  test('are told apart from those of callers for as long as picks are remembered', () => {
    const shards = played(true);
    const picks = () => {
      const { recentPicks, simulatedPicks } = shards.shardAt(0).explain(MODULE, shards.nowMs, shards.unixMs);
      return { recentPicks, simulatedPicks };
    };
    expect(picks()).toEqual({ recentPicks: 200, simulatedPicks: 200 });
    shards.getHost(MODULE);
    expect(picks()).toEqual({ recentPicks: 201, simulatedPicks: 200 });
    shards.advance(30_000);
    expect(picks()).toEqual({ recentPicks: 0, simulatedPicks: 0 });
  });
});
