import { createTestAgent } from '@lars/client-sdk/testing';
import { describe, expect, test, vi } from 'vitest';
import { HostStats } from '../../../client-sdk/src/cache/host-stats.ts';
import { ModuleStats } from '../../../client-sdk/src/cache/module-stats.ts';
import { recordPick } from '../../../client-sdk/src/cache/pick-record.ts';
import type { LarsHost } from '../../../client-sdk/src/index.ts';
import { HostTries } from '../../../client-sdk/src/module-requests/host-tries.ts';

const SETTINGS = { maxTries: 3, timeoutMs: 1_000, isFailure: (status: number) => status >= 500 };
const MODULE = { modid: 1, cmdid: 2 };
const { signal } = new AbortController();

function triesOf(hosts: readonly string[]) {
  const lars = createTestAgent({ routes: { '1/2': hosts } });
  let nowMs = 0;
  const tries = new HostTries(MODULE, SETTINGS, { lars, nowMs: () => nowMs });
  return { lars, tries, pass: (ms: number) => (nowMs += ms) };
}

describe('the tries of a request', () => {
  test('are timed from the pick on, and reported once', async () => {
    const { lars, tries, pass } = triesOf(['10.0.0.5:80']);
    pass(10);
    const attempt = await tries.next(signal);
    pass(7);
    attempt?.reportStatus(500);
    attempt?.report(true);
    expect(lars.reports).toEqual([{ modid: 1, cmdid: 2, host: '10.0.0.5:80', ok: false, tcostMs: 7 }]);
  });

  test.each<[readonly string[], readonly string[]]>([
    [['10.0.0.5:80'], []],
    [['10.0.0.5:80', '10.0.0.6:80'], ['10.0.0.6:80']],
  ])('of the route %j ask the agent for no host where there is no other one', async (hosts, others) => {
    const { lars, tries } = triesOf(hosts);
    vi.spyOn(lars, 'tryGetHost').mockReturnValue(undefined);
    const asked = vi.spyOn(lars, 'getHost');
    expect(`${(await tries.next(signal))?.host}`).toBe('10.0.0.5:80');
    for (const other of others) expect(`${(await tries.next(signal))?.host}`).toBe(other);
    expect(await tries.next(signal)).toBeUndefined();
    expect(asked).toHaveBeenCalledTimes(1 + others.length);
  });

  test('ask the agent all the same where it cannot tell which hosts there are', async () => {
    const { lars, tries } = triesOf(['10.0.0.5:80', '10.0.0.6:80']);
    vi.spyOn(lars, 'tryGetHost').mockReturnValue(undefined);
    vi.spyOn(lars, 'getRoute').mockRejectedValue(new Error('silent'));
    await tries.next(signal);
    expect(`${(await tries.next(signal))?.host}`).toBe('10.0.0.6:80');
  });

  test('take picks back that are not used: no call is in flight that nobody makes', async () => {
    const { lars, tries } = triesOf(['10.0.0.5:80']);
    const stats = new HostStats({ ip: 1, port: 80, addr: '' }, { cache: {}, bufferResult: () => {}, observeResult: () => {} });
    const host = lars.tryGetHost(1, 2) as LarsHost;
    recordPick(host, 'client', stats);
    vi.spyOn(lars, 'tryGetHost').mockImplementation(() => {
      stats.addCall();
      return host;
    });
    const attempt = await tries.next(signal);
    expect(stats.inFlight).toBe(1);
    expect([await tries.next(signal), stats.inFlight]).toEqual([undefined, 1]);
    attempt?.takeBack();
    attempt?.report(true);
    expect([stats.inFlight, lars.reports]).toEqual([0, []]);
    stats.addCall();
    stats.rotateCounts(false);
    stats.cancelCall();
    stats.cancelCall();
    stats.endCall(true, 1, new ModuleStats());
    expect(stats.inFlight).toBe(0);
  });
});
