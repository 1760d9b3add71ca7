import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cpuSecondsBetween, readCpuTime, readResidentMb } from '../../../cli/src/bench/cpu-time.ts';

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(path.join(tmpdir(), 'lars-proc-'));
});
afterEach(() => rmSync(proc, { recursive: true, force: true }));

/** @param threads nanoseconds of each thread that lives; undefined: a kernel that does not count so */
function write(
  pid: number,
  ticks: readonly [user: number, system: number],
  threads: Readonly<Record<string, string | undefined>>,
) {
  const folder = path.join(proc, String(pid));
  rmSync(folder, { recursive: true, force: true });
  for (const [thread, schedstat] of Object.entries(threads)) {
    mkdirSync(path.join(folder, 'task', thread), { recursive: true });
    if (schedstat !== undefined) writeFileSync(path.join(folder, 'task', thread, 'schedstat'), schedstat);
  }
  const head = `${pid} (a) name (x) S 1 1 1 0 -1 4194560 100 0 0 0`;
  writeFileSync(path.join(folder, 'stat'), `${head} ${ticks[0]} ${ticks[1]} 5 6 20 0 1 0 100 0 0\n`);
  writeFileSync(path.join(folder, 'status'), 'Name:\tx\nVmRSS:\t    2000 kB\n');
}

function between(before: Parameters<typeof write>, after: Parameters<typeof write>): number | undefined {
  write(...before);
  const first = readCpuTime(before[0], proc);
  write(...after);
  return cpuSecondsBetween(first, readCpuTime(after[0], proc));
}

describe('CPU time between two readings', () => {
  test('is the sum over all threads, in nanoseconds, those that began in between included', () => {
    expect(
      between([7, [0, 0], { 7: '100 1 1', 8: '50 1 1' }], [7, [99, 99], { 7: '1000000100 1 1', 8: '50 1 1', 9: '500 1 1' }]),
    ).toBe(1.0000005);
  });

  test('is the coarse one when a thread has ended', () => {
    expect(between([7, [10, 5], { 7: '100 1 1', 8: '50 1 1' }], [7, [30, 10], { 7: '900 1 1' }])).toBe(0.25);
  });

  test('is the coarse one where the kernel counts no nanoseconds', () => {
    expect(between([7, [10, 5], { 7: undefined }], [7, [30, 10], { 7: undefined }])).toBe(0.25);
  });

  test('is not known of a process that is not there', () => {
    expect(readCpuTime(7, proc)).toBeUndefined();
    expect(readResidentMb(7, proc)).toBeUndefined();
    expect(cpuSecondsBetween(undefined, undefined)).toBeUndefined();
  });
});

test('resident memory', () => {
  write(7, [0, 0], { 7: '1 1 1' });
  expect(readResidentMb(7, proc)).toBe(2.048);
});
