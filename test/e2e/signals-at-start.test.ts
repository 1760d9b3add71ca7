/** A signal at any moment of a start ends it in order: what is there afterwards can be used by the next start. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Ended, LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

const files = () => (existsSync(path.join(folder.path, 'data')) ? readdirSync(path.join(folder.path, 'data')) : []);

/** Before a service catches signals it has nothing to clean up, and ends as any process does. */
function expectOrder({ code, err }: Ended): void {
  expect(err).not.toMatch(/internal error|\n {4}at /);
  if (code === null) expect(files()).toEqual([]);
  else expect(code, err).toBe(0);
  expect(files().filter(name => name.endsWith('.tmp'))).toEqual([]);
}

describe.each(['agent', 'dnsserver', 'reporter', 'up'])('lars %s', command => {
  test('ends in order at any moment of its start', async () => {
    const probe = folder.start([command, '--json']);
    const began = performance.now();
    await probe.ready;
    const startMs = performance.now() - began;
    expect((await probe.interrupt()).code).toBe(0);
    folder.clear('data');
    for (const [at, signal] of ([0.2, 0.4, 0.6, 0.75, 0.9, 1] as const).map(
      (part, i) => [part, i % 2 ? 'SIGINT' : 'SIGTERM'] as const,
    )) {
      const running = folder.start([command, '--json']);
      await sleep(startMs * at);
      running.signal(signal);
      expectOrder(await running.ended);
      folder.clear('data');
    }
    const again = folder.start([command, '--json']);
    await again.ready;
    expect((await again.interrupt()).code).toBe(0);
  });
});

test('lars up is told to stop as soon as it has made a file', async () => {
  const running = folder.start(['up', '--json']);
  while (files().length === 0) await sleep(1);
  running.signal('SIGTERM');
  const ended = await running.ended;
  expect(ended.code).toBe(0);
  expectOrder(ended);
});
