/** `npm run demo` as people run it: a process with flags, streams and an exit code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DemoResult } from '../../examples/demo/summary.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

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

test('--json writes one document and nothing else to standard output, and leaves nothing behind', async () => {
  const { exitCode, out, err } = await startDemo('--seconds', '1', '--hosts', '2', '--rate', '100', '--seed', '7', '--json')
    .ended;
  expect(err).toMatch(/^0 of 3 s: all servers run, /);
  expect(err).toMatch(/^\d of 3 s: 127\.0\.0\.1:\d+ is stopped, /m);
  expect(exitCode).toBe(0);
  const result = JSON.parse(out) as DemoResult;
  expect(result).toMatchObject({ seed: 7, hosts: 2, ratePerSecond: 100, phaseSeconds: [1, 1, 1] });
  const { totals, stored, outage } = result;
  expect(totals.calls).toBeGreaterThan(0);
  expect(stored).toEqual({ succ: totals.calls - totals.failed, err: totals.failed - totals.withoutHost });
  expect(outage.callsToDeadHost).toBeGreaterThan(0);
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it with exit code %i and leaves nothing behind', async (signal, code) => {
  const { child, written, ended } = startDemo('--seconds', '600');
  await expect.poll(() => written.out, { timeout: 15_000 }).toContain('all servers run');
  child.kill(signal);
  expect(await ended).toMatchObject({ exitCode: code, err: '' });
  expect(await readdir(folder)).toEqual([]);
});

test('a flag that it does not know is told in one line', async () => {
  const { exitCode, out, err } = await startDemo('--hots', '3').ended;
  expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  expect(err).toMatch(/^demo: Unknown option '--hots'.*; --help tells the flags\n$/);
});
