/** The pieces of the demo, with confs that find out and forgive sooner: what its numbers promise is true of a whole LARS and real servers. */
import { recordLogger } from '@lars/runtime/log';
import { afterEach, expect, test } from 'vitest';
import { Decisions } from '../../examples/demo/decisions.ts';
import type { HttpHost } from '../../examples/demo/http-fleet.ts';
import { WhyWatch } from '../../examples/demo/why-watch.ts';
import { type LarsWorld, MODULE, startWorld } from '../../examples/demo/world.ts';

const HOSTS = 4;
const FAIR = 1 / HOSTS;

interface Case {
  readonly algorithm: string;
  readonly conf: readonly string[];
  /** How a host that is out stands on the /why page. */
  readonly outState: string;
  readonly outCause: string;
  readonly backCauses: readonly string[];
}

const CASES: readonly Case[] = [
  {
    algorithm: 'classic',
    // One pick in 41 is a probe: well below a quarter of a fair share. No overload ends by time alone while the test runs.
    conf: ['probe_num = 40', 'contin_err_limit = 5', 'contin_succ_limit = 3', 'overload_timeout = 600'],
    outState: 'ejected',
    outCause: 'failure-run',
    backCauses: ['success-run', 'success-rate'],
  },
  {
    algorithm: 'adaptive',
    conf: ['probe_backoff_min = 0.2', 'probe_backoff_max = 0.5'],
    outState: 'ejected',
    outCause: 'error-evidence',
    backCauses: ['call-succeeded'],
  },
];
const TOLERANCE = 0.05;
/** A machine that is busy with other things may leave this process without a turn for a second; no host is to blame for that. */
const PATIENT_MS = 15_000;
const SOON = { timeout: PATIENT_MS, interval: 20 };

let world: LarsWorld | undefined;
afterEach(() => world?.remove());

test.each(CASES)(
  'a stopped server loses its calls, a restarted one gets them back, and every call is in the database: $algorithm',
  {
    timeout: 90_000,
  },
  async ({ algorithm, conf, outState, outCause, backCauses }) => {
    const warnings: string[] = [];
    const decisions = new Decisions(1);
    const log = recordLogger(record => {
      decisions.add(record, performance.now());
      if (record.level === 'warn' || record.level === 'error') warnings.push(record.event);
    });
    const loadbalance = [`algorithm = ${algorithm}`, 'report_timeout = 0.3', ...conf];
    world = await startWorld({ hosts: HOSTS, ratePerSecond: 400, seed: 1, log, loadbalance, callTimeoutMs: PATIENT_MS });
    const { fleet, score, client, lars } = world;
    const victim = fleet.hosts[0] as HttpHost;
    const watch = new WhyWatch(() => lars.why(MODULE.modid, MODULE.cmdid), victim.authority);
    const shareOf = ({ authority }: HttpHost) => {
      score.look(performance.now());
      return score.share(authority, performance.now()) ?? 0;
    };
    /** Which share of the next so many calls fails. */
    const failureRate = async (count: number) => {
      const before = score.totals;
      await expect.poll(() => score.totals.calls, SOON).toBeGreaterThan(before.calls + count);
      return (score.totals.failed - before.failed) / (score.totals.calls - before.calls);
    };

    expect(lars.loadbalance.algorithm).toBe(algorithm);
    world.begin();
    expect(await failureRate(400)).toBeLessThan(TOLERANCE);
    for (const { authority } of fleet.hosts) expect(score.countsOf(authority).calls).toBeGreaterThan(0);
    expect(decisions.all).toEqual([]);

    score.troubleBegan(victim.authority, performance.now());
    await victim.stop();
    await expect.poll(() => decisions.all, SOON).toMatchObject([{ host: victim.authority, to: 'ejected', cause: outCause }]);
    await expect.poll(() => shareOf(victim), SOON).toBeLessThan(FAIR / 4);
    expect(await failureRate(400)).toBeLessThan(FAIR / 4);
    await watch.look(true);
    expect(watch.whileDown).toMatchObject({ host: victim.authority, state: outState });
    expect(score.troubles[0]).toMatchObject({
      host: victim.authority,
      belowHalfMs: expect.any(Number),
      belowQuarterMs: expect.any(Number),
    });

    await victim.start();
    score.troubleEnded(performance.now());
    const back = expect.objectContaining({ host: victim.authority, to: 'recovered', cause: expect.toBeOneOf([...backCauses]) });
    await expect.poll(() => decisions.all, SOON).toEqual([expect.anything(), back]);
    await expect.poll(() => shareOf(victim), SOON).toBeGreaterThan(FAIR / 2);
    expect(score.troubles[0]?.backMs).toBeGreaterThan(0);
    expect(decisions.takenOutMs(score.troubles[0] as (typeof score.troubles)[number])).toBeGreaterThanOrEqual(0);
    await watch.look(false);
    expect(watch.whenBack?.host).toBe(victim.authority);
    expect(await lars.counted('ejections')).toBe(1);
    expect(await failureRate(400)).toBeLessThan(TOLERANCE);

    await world.finish();
    const { calls, failed, withoutHost } = score.totals;
    expect(client.stats()).toMatchObject({ pending: 0, dropped: 0, reports: calls - withoutHost });
    expect(await lars.storedCalls(MODULE.modid, MODULE.cmdid)).toEqual({ succ: calls - failed, err: failed - withoutHost });
    expect(fleet.hosts.every(({ running }) => !running)).toBe(true);
    expect(warnings).toEqual(['host ejected']);
  },
);
