/** `npm run demo` as people run it: a process with flags, streams and an exit code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WAYS } from '../../examples/demo/algorithms.ts';
import type { DemoResult } from '../../examples/demo/summary.ts';
import type { TroublesResult } from '../../examples/demo/troubles-summary.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** On a machine that is busy with other things, the start alone may take long. */
const PATIENT_MS = 60_000;
vi.setConfig({ testTimeout: 2 * PATIENT_MS });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'demo-process-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** All temporary files of the process go into `folder`. */
function startDemo(...args: readonly string[]) {
  const child = spawn(process.execPath, ['examples/demo.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { out: '', err: '' };
  child.stdout.on('data', chunk => {
    written.out += chunk;
  });
  child.stderr.on('data', chunk => {
    written.err += chunk;
  });
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode, ...written }));
  return { child, written, ended };
}

test.each(['adaptive', 'classic'])(
  '--json writes one document and nothing else to standard output, and leaves nothing behind: %s',
  async algorithm => {
    const flags = ['--seconds', '1', '--hosts', '2', '--rate', '100', '--seed', '7', '--json'];
    const { exitCode, out, err } = await startDemo('--algorithm', algorithm, ...flags).ended;
    expect(err).toMatch(/^This takes about 3 s; /);
    expect(err).toMatch(/^0 of 3 s: all servers run, /m);
    expect(err).toMatch(/^\d of 3 s: 127\.0\.0\.1:\d+ is stopped, /m);
    expect(exitCode).toBe(0);
    const result = JSON.parse(out) as DemoResult;
    expect(result).toMatchObject({ algorithm, seed: 7, hosts: 2, ratePerSecond: 100, phaseSeconds: [1, 1, 1] });
    const { totals, stored, outage } = result;
    expect(totals.calls).toBeGreaterThan(0);
    expect(stored).toEqual({ succ: totals.calls - totals.failed, err: totals.failed - totals.withoutHost });
    // Who was called while it was down, and how often, is a matter of chance in so short a time.
    expect(outage.callsToDeadHost).toBeLessThanOrEqual(outage.callsWhileDown);
    expect(outage.callsWhileDown).toBeLessThanOrEqual(totals.calls);
    expect(await readdir(folder)).toEqual([]);
  },
);

test('the story ends in words: what the agent did, and by which rules', async () => {
  const { exitCode, out, err } = await startDemo('--algorithm', 'adaptive', '--seconds', '2', '--hosts', '2', '--rate', '100')
    .ended;
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
  expect(out).toMatch(/^This takes about 6 s; /);
  expect(out).toContain('\n\n0 of 6 s: ');
  expect(out).toContain("\nWhat the agent did about it, by the rules of 'adaptive' (docs/load-balancing.md ");
  expect(out).toContain("\nThe rules of 'adaptive'. ");
  expect(out).not.toMatch(/undefined|NaN|\[object/);
});

test('--troubles compares the ways of balancing on the same troubles, every call is in a sum, and all is stopped at the end', async () => {
  const flags = [
    '--only',
    'all-well,brown-out,stopped',
    '--seconds',
    '1',
    '--hosts',
    '3',
    '--rate',
    '60',
    '--seed',
    '7',
    '--json',
  ];
  const { exitCode, out, err } = await startDemo('--troubles', ...flags).ended;
  expect(err).toMatch(/^This takes about 7 s; /);
  expect(err).toMatch(/^0 of 7 s: all is well, /m);
  expect(err).toMatch(/^\d of 7 s: nothing is wrong \(all answers take 20 ms, 0\.5 % are errors\), /m);
  expect(err).toMatch(/^\d of 7 s: server 1 answers 30 % of its calls with status 500, /m);
  expect(err).toMatch(/^\d of 7 s: server 2 is stopped, /m);
  expect(exitCode).toBe(0);
  const result = JSON.parse(out) as TroublesResult;
  expect(result).toMatchObject({ seed: 7, hosts: 3, ratePerSecond: 60, troubleSeconds: 1, quietSeconds: 1, windowMs: 1_000 });
  const names = WAYS.map(({ name }) => name);
  expect(result.ways.map(({ name }) => name)).toEqual(names);
  expect(result.troubles.map(({ name }) => name)).toEqual(['all-well', 'brown-out', 'stopped']);
  for (const { befalls, fairShare, ways } of result.troubles) {
    expect(fairShare).toBeCloseTo(1 / 3, 3);
    expect(ways.map(({ way }) => way)).toEqual(names);
    for (const { calls, succeeded, failed, withoutHost, callsToHost, callsPerHost, share } of ways) {
      expect(calls).toBe(succeeded + failed);
      const named = calls - withoutHost;
      expect(callsPerHost.reduce((sum, one) => sum + one)).toBe(named);
      // As resultAsJson rounds it; null where no server is in trouble, or no call had a host.
      const hasShare = befalls === 'one server' && named > 0;
      expect(share).toBe(hasShare ? Number((callsToHost / named).toFixed(4)) : null);
    }
  }
  for (const [index, { totals, stored, conf }] of result.ways.entries()) {
    const counted = { succ: totals.calls - totals.failed, err: totals.failed - totals.withoutHost };
    expect(stored).toEqual(conf === null ? null : counted);
    expect(totals.calls).toBeGreaterThan(0);
    const inTroubles = result.troubles.reduce((sum, { ways }) => sum + (ways[index]?.calls ?? 0), 0);
    expect(inTroubles).toBeLessThanOrEqual(totals.calls);
  }
  // The process ended by itself: no server, socket or thread was left that would have kept it.
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it with exit code %i and leaves nothing behind', async (signal, code) => {
  const { child, written, ended } = startDemo('--seconds', '600');
  await expect.poll(() => written.out, { timeout: PATIENT_MS }).toContain('all servers run');
  child.kill(signal);
  expect(await ended).toMatchObject({ exitCode: code, err: '' });
  expect(await readdir(folder)).toEqual([]);
});

test('a signal ends the troubles too', async () => {
  const { child, written, ended } = startDemo('--troubles', '--seconds', '600', '--only', 'stopped');
  await expect.poll(() => written.out, { timeout: PATIENT_MS }).toContain('all is well');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ exitCode: 143, err: '' });
  expect(await readdir(folder)).toEqual([]);
});

test('a flag that it does not know is told in one line', async () => {
  const { exitCode, out, err } = await startDemo('--hots', '3').ended;
  expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  expect(err).toMatch(/^demo: Unknown option '--hots'.*; --help tells the flags\n$/);
});
