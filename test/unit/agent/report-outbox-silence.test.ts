/** Which reporters acknowledge, and what the agent keeps for them. */
import { describe, expect, test } from 'vitest';
import { linkUp, statusReport } from './outbox-world.ts';

describe('a reporter that never acknowledges, like the deployed ones', () => {
  test('is sent everything once, and nothing is kept for it', () => {
    const world = linkUp();
    world.add(statusReport(1));
    expect(world.overdue()).toBe(false);
    expect([world.outbox.expectsAcks, world.outbox.openCount]).toEqual([false, 0]);
    world.takeReceived();
    for (const modid of [2, 3]) world.add(statusReport(modid));
    expect(world.outbox.openCount).toBe(0);
    world.down();
    world.up();
    expect(world.takeSeqs()).toEqual([2, 3]);
    expect(world.overdue()).toBe(false);
  });

  test('gets what had to wait for it as soon as nothing is expected of it', () => {
    const world = linkUp({ maxUnacknowledged: 1 });
    for (const modid of [1, 2, 3]) world.add(statusReport(modid));
    expect(world.takeSeqs()).toEqual([1]);
    world.overdue();
    expect(world.takeSeqs()).toEqual([2, 3]);
  });

  test('is not suspected before an acknowledgement is due', () => {
    const world = linkUp();
    expect(world.overdue()).toBe(false);
    expect(world.outbox.expectsAcks).toBe(true);
    world.add(statusReport(1));
    world.nowMs += 10_000;
    world.outbox.checkOverdue(world.nowMs);
    expect(world.outbox.expectsAcks).toBe(true);
  });

  test('is believed again when it acknowledges after all', () => {
    const world = linkUp();
    world.add(statusReport(1));
    world.overdue();
    world.add(statusReport(2));
    world.ack(2);
    world.add(statusReport(3));
    expect([world.outbox.expectsAcks, world.outbox.openCount]).toEqual([true, 1]);
  });
});

describe('a reporter that has acknowledged before', () => {
  const acknowledging = () => {
    const world = linkUp();
    world.add(statusReport(1));
    world.ack(1);
    return world;
  };

  test('and falls silent is sent everything again, on as many connections as it takes, more and more seldom', () => {
    const world = acknowledging();
    world.add(statusReport(2));
    world.takeReceived();
    let waitedMs = 0;
    for (let link = 0; link < 8; link++) {
      const sinceMs = world.nowMs;
      while (!world.overdue());
      expect(world.nowMs - sinceMs).toBeGreaterThanOrEqual(waitedMs);
      waitedMs = world.nowMs - sinceMs;
      world.down();
      world.up();
      expect(world.takeSeqs()).toEqual([2]);
    }
    expect([world.outbox.expectsAcks, world.outbox.openCount, world.counters.get('unacknowledged')]).toEqual([true, 1, 0]);
    world.ack(2);
    expect(world.outbox.openCount).toBe(0);
  });

  test('and stores nothing for long is sent everything again and again, as long as it says that it is there', () => {
    const world = acknowledging();
    world.add(statusReport(2));
    for (let link = 0; link < 10; link++) {
      world.takeReceived();
      expect(world.overdue()).toBe(true);
      world.down();
      world.up();
      expect(world.takeSeqs()).toEqual([2]);
      world.ack(1);
    }
    world.ack(2);
    expect([world.outbox.openCount, world.counters.get('acknowledged')]).toEqual([0, 2]);
  });

  test('also one that has stored nothing yet', () => {
    const world = linkUp();
    world.add(statusReport(1));
    world.ack(0);
    for (let link = 0; link < 2; link++) {
      while (!world.overdue());
      world.down();
      world.up();
    }
    expect([world.outbox.expectsAcks, world.outbox.openCount]).toEqual([true, 1]);
  });

  test('is not overdue while acknowledgements keep coming', () => {
    const world = acknowledging();
    for (let seq = 2; seq < 10; seq++) {
      world.add(statusReport(seq));
      world.nowMs += 9_000;
      world.ack(seq - 1);
      expect(world.outbox.checkOverdue(world.nowMs)).toBe(false);
    }
  });
});
