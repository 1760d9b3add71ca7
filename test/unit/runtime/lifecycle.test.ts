import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { STOP_DEADLINE_MS } from '../../../runtime/src/lifecycle.ts';
import { eventually } from '../../support/eventually.ts';
import type { ScriptedService, ScriptedStart } from '../../support/lifecycle-child.ts';

const CHILD = fileURLToPath(new URL('../../support/lifecycle-child.ts', import.meta.url));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function run(...services: ScriptedService[]) {
  return runStarting('soon', ...services);
}

function runStarting(start: ScriptedStart, ...services: ScriptedService[]) {
  const child = spawn(process.execPath, ['--conditions=source', CHILD, JSON.stringify(services), start], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', line => lines.push(line));
  const exitCode = once(child, 'close').then(([code]) => code as number);
  const said = (line: string) => eventually(`'${line}', not ${lines.join(', ')}`, () => lines.includes(line));
  return { child, lines, exitCode, said };
}

const soon = (name: string): ScriptedService => ({ name, stop: 'soon' });

describe('a process that is told to stop', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s stops its services one after the other, in order, and exits with 0',
    async signal => {
      const { child, lines, exitCode, said } = run(soon('agent'), soon('dnsserver'), soon('reporter'));
      await said('ready');
      child.kill(signal);
      expect(await exitCode).toBe(0);
      expect(lines).toEqual([
        'ready',
        `info: ${signal}: stopping`,
        ...['agent', 'dnsserver', 'reporter'].flatMap(name => [`stopping ${name}`, `stopped ${name}`]),
      ]);
    },
  );

  test('leaves with 1 when a service does not stop in time', async () => {
    const { child, lines, exitCode, said } = run({ name: 'agent', stop: 'never' }, soon('reporter'));
    await said('ready');
    child.kill('SIGTERM');
    await said('stopping agent');
    const beganMs = performance.now();
    expect(await exitCode).toBe(1);
    expect(performance.now() - beganMs).toBeGreaterThan(STOP_DEADLINE_MS - 500);
    expect(lines.slice(-2)).toEqual([
      'stopping agent',
      `error: not stopped within ${STOP_DEADLINE_MS} ms: exiting before everything was stopped`,
    ]);
  });

  test('takes a signal that comes twice at once for one: a terminal and npm both pass Ctrl-C on', async () => {
    const { child, lines, exitCode, said } = run({ name: 'agent', stop: 'never' });
    await said('ready');
    child.kill('SIGINT');
    await said('stopping agent');
    child.kill('SIGINT');
    expect(await exitCode).toBe(1);
    expect(lines.at(-1)).toContain(`not stopped within ${STOP_DEADLINE_MS} ms`);
  });

  test('does not wait any longer when it is told again, later', async () => {
    const { child, lines, exitCode, said } = run({ name: 'agent', stop: 'never' });
    await said('ready');
    child.kill('SIGINT');
    await said('stopping agent');
    // The process counts half a second before it takes another signal for impatience; it is asked until it does.
    const again = setInterval(() => child.kill('SIGINT'), 50);
    expect(await exitCode).toBe(1);
    clearInterval(again);
    expect(lines.at(-1)).toContain('SIGINT again');
  });

  test('stops the other services when one fails to stop, and exits with 1', async () => {
    const { child, lines, exitCode, said } = run({ name: 'agent', stop: 'throws' }, soon('reporter'));
    await said('ready');
    child.kill('SIGTERM');
    expect(await exitCode).toBe(1);
    expect(lines.slice(2)).toEqual([
      'stopping agent',
      'error: agent did not stop cleanly',
      'stopping reporter',
      'stopped reporter',
    ]);
  });
});

test('a service that fails ends them all, with its reason and exit code 1', async () => {
  const { lines, exitCode } = run(soon('agent'), { ...soon('reporter'), fails: 'the disk is full' });
  expect(await exitCode).toBe(1);
  expect(lines).toEqual([
    'ready',
    'error: reporter cannot go on: the disk is full',
    ...['agent', 'reporter'].flatMap(name => [`stopping ${name}`, `stopped ${name}`]),
  ]);
});

test('a process whose place another one has taken stops its services, and exits with 0', async () => {
  const { lines, exitCode } = run({ name: 'proxy', stop: 'soon', handsOver: true });
  expect(await exitCode).toBe(0);
  expect(lines).toEqual(['ready', 'info: another process has taken over: stopping', 'stopping proxy', 'stopped proxy']);
});

describe('a process that is told to stop while it starts', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('by %s waits for nothing any more, and exits with 0', async signal => {
    const { child, lines, exitCode, said } = runStarting('waits', soon('agent'));
    await said('starting');
    child.kill(signal);
    expect(await exitCode).toBe(0);
    expect(lines).toEqual(['starting', `info: ${signal}: stopped before the start was through`]);
  });

  test('stops what has started all the same', async () => {
    const { child, lines, exitCode, said } = runStarting('slow', soon('agent'), soon('reporter'));
    await said('starting');
    child.kill('SIGTERM');
    expect(await exitCode).toBe(0);
    const stops = ['agent', 'reporter'].flatMap(name => [`stopping ${name}`, `stopped ${name}`]);
    expect(lines).toEqual(['starting', 'ready', 'info: SIGTERM: stopping', ...stops]);
  });

  test('takes another signal for impatience, and exits with 1', async () => {
    const { child, lines, exitCode, said } = runStarting('never');
    await said('starting');
    const again = setInterval(() => child.kill('SIGTERM'), 50);
    expect(await exitCode).toBe(1);
    clearInterval(again);
    expect(lines.at(-1)).toBe('error: SIGTERM again: exiting in the middle of the start');
  });

  test('is not ended by SIGHUP, SIGUSR1 and SIGUSR2', async () => {
    const { child, lines, exitCode, said } = runStarting('waits');
    await said('starting');
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) child.kill(signal);
    await said('info: SIGUSR2: does nothing here');
    child.kill('SIGTERM');
    expect(await exitCode).toBe(0);
    expect(lines.at(-1)).toContain('stopped before');
  });
});
