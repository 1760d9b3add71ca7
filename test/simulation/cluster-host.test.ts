/** The simulated host must be able to fail as a real one does, or the simulation finds nothing: what a power cut takes, what a kill leaves. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Disk } from './cluster/host/disk.ts';
import { EventQueue } from './cluster/host/event-queue.ts';
import { kernel } from './cluster/host/kernel.ts';
import { Machine } from './cluster/host/machine.ts';
import { SimulatedProcess } from './cluster/host/process.ts';

beforeEach(() => kernel.reset(1));

const TRIES = 200;
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());

/** What is found under a name after many power cuts. */
function afterPowerCuts(write: (disk: Disk) => void, path: string): Set<string | undefined> {
  const found = new Set<string | undefined>();
  for (let i = 0; i < TRIES; i++) {
    const disk = new Disk();
    write(disk);
    disk.cutPower();
    found.add(text(disk.find(path)?.data));
  }
  return found;
}

describe('a power cut', () => {
  test('leaves anything of a file that was not flushed', () => {
    const found = afterPowerCuts(disk => {
      disk.create('/data/a').data = Buffer.from('ab');
      disk.flushNames();
    }, '/data/a');
    expect([...found].sort()).toEqual(['', '\0\0', 'a', 'a\0', 'ab']);
  });

  test('leaves the old file, the new one or none where only the new file was flushed and not its name', () => {
    const write = (disk: Disk) => {
      const old = disk.create('/data/a');
      old.data = Buffer.from('old');
      disk.flush(old);
      disk.flushNames();
      const young = disk.create('/data/b');
      young.data = Buffer.from('new');
      disk.flush(young);
      disk.rename('/data/b', '/data/a');
    };
    expect(afterPowerCuts(write, '/data/a')).toEqual(new Set(['old', 'new']));
    const durably = (disk: Disk) => {
      write(disk);
      disk.flushNames();
    };
    expect(afterPowerCuts(durably, '/data/a')).toEqual(new Set(['new']));
  });
});

test('events happen by time, and in the order in which they were scheduled', () => {
  const queue = new EventQueue<{ atMs: number; order: number }>();
  const events = Array.from({ length: 500 }, (_, order) => ({ atMs: Math.floor(kernel.random() * 50), order }));
  for (const event of events) queue.push(event);
  const popped = Array.from(events, () => queue.pop());
  expect(popped).toEqual(events.toSorted((one, other) => one.atMs - other.atMs || one.order - other.order));
  expect(queue.size).toBe(0);
});

test('a process that was killed runs no more, and one that hangs goes on later', async () => {
  const machine = new Machine('machine', '10.0.0.1', new Disk());
  const [killed, hanging] = [new SimulatedProcess('killed', machine), new SimulatedProcess('hanging', machine)];
  const ran: string[] = [];
  for (const process of [killed, hanging]) {
    for (const atMs of [1, 3]) kernel.schedule(atMs, process, () => ran.push(`${process.name} ${kernel.nowMs}`));
  }
  kernel.schedule(2, undefined, () => {
    killed.end('killed');
    hanging.stalledUntilMs = 7;
  });
  await kernel.run(10);
  expect(ran).toEqual(['killed 1', 'hanging 1', 'hanging 7']);
  expect(kernel.violation).toBeUndefined();
});
