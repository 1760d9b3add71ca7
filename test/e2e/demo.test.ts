/** The pieces of the demo, with a conf that finds out sooner: what its numbers promise is true of a whole LARS and real servers. */
import { recordLogger } from '@lars/runtime/log';
import { afterEach, expect, test } from 'vitest';
import type { HttpHost } from '../../examples/demo/http-fleet.ts';
import { MODULE, startWorld, type World } from '../../examples/demo/world.ts';

const HOSTS = 4;
const FAIR = 1 / HOSTS;
/** One pick in 41 is a probe: well below a quarter of a fair share. No overload ends by time alone while the test runs. */
const FAST = [
  'probe_num = 40',
  'contin_err_limit = 5',
  'contin_succ_limit = 3',
  'overload_timeout = 600',
  'report_timeout = 0.3',
];
const TOLERANCE = 0.05;
/** A machine that is busy with other things may leave this process without a turn for a second; no host is to blame for that. */
const PATIENT_MS = 15_000;
const SOON = { timeout: PATIENT_MS, interval: 20 };

let world: World | undefined;
afterEach(() => world?.remove());

test('a stopped server loses its share, a restarted one gets it back, and every call is in the database', {
  timeout: 60_000,
}, async () => {
  const logged: string[] = [];
  const log = recordLogger(({ level, event }) => logged.push(`${level}: ${event}`));
  world = await startWorld({ hosts: HOSTS, ratePerSecond: 400, seed: 1, log, loadbalance: FAST, callTimeoutMs: PATIENT_MS });
  const { fleet, score, client, lars } = world;
  const victim = fleet.hosts[0] as HttpHost;
  const shareOf = ({ authority }: HttpHost) => {
    score.look(performance.now());
    return score.share(authority, performance.now()) ?? 0;
  };
  const moreCalls = async (count: number) => {
    const { calls } = score.totals;
    await expect.poll(() => score.totals.calls, SOON).toBeGreaterThan(calls + count);
  };

  /** Which share of the next so many calls fails. */
  const failureRate = async (count: number) => {
    const before = score.totals;
    await moreCalls(count);
    return (score.totals.failed - before.failed) / (score.totals.calls - before.calls);
  };

  expect(await failureRate(400)).toBeLessThan(TOLERANCE);
  for (const host of fleet.hosts) expect(Math.abs(shareOf(host) - FAIR)).toBeLessThan(TOLERANCE);

  score.troubleBegan(victim.authority, performance.now());
  await victim.stop();
  await expect.poll(() => shareOf(victim), SOON).toBeLessThan(FAIR / 4);
  expect(await failureRate(400)).toBeLessThan(FAIR / 4);
  expect(score.troubles[0]).toMatchObject({
    host: victim.authority,
    belowHalfMs: expect.any(Number),
    belowQuarterMs: expect.any(Number),
  });

  await victim.start();
  score.troubleEnded(performance.now());
  await expect.poll(() => shareOf(victim), SOON).toBeGreaterThan(FAIR * 0.8);
  expect(score.troubles[0]?.backMs).toBeGreaterThan(0);
  expect(await failureRate(400)).toBeLessThan(TOLERANCE);

  await world.finish();
  const { calls, failed, withoutHost } = score.totals;
  expect(client.stats()).toMatchObject({ pending: 0, dropped: 0, reports: calls - withoutHost });
  expect(lars.storedCalls(MODULE.modid, MODULE.cmdid)).toEqual({ succ: calls - failed, err: failed - withoutHost });
  expect(fleet.hosts.every(({ running }) => !running)).toBe(true);
  expect(logged.filter(line => /^(warn|error)/.test(line))).toEqual([]);
  expect(logged).toContain('info: host overloaded');
});
