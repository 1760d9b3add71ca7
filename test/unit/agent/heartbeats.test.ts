import { expect, test } from 'vitest';
import { beat, HeartbeatWatch, newHeartbeat } from '../../../agent/src/threads/heartbeats.ts';

const STEP_MS = 500;

function watchOne() {
  const watch = new HeartbeatWatch<string>({ silentMs: 3_000, replaceMs: 10_000, startMs: 60_000, maxStepMs: 1_000 });
  const heartbeat = newHeartbeat();
  watch.begin('a', heartbeat);
  let nowMs = 0;
  watch.look(nowMs);
  /** Main looks on for so long. */
  const look = (ms: number, stepMs = STEP_MS) => {
    const changes: [string, number][] = [];
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += stepMs;
      for (const { what, silentMs } of watch.look(nowMs)) changes.push([what, silentMs]);
    }
    return changes;
  };
  return { watch, heartbeat, look };
}

test('a thread that counts is well', () => {
  const { heartbeat, look } = watchOne();
  for (let i = 0; i < 100; i++) {
    beat(heartbeat);
    expect(look(2_500)).toEqual([]);
  }
});

test('one that is silent is named once, replaced once, and then found to be stuck, unless it dies', () => {
  const { watch, heartbeat, look } = watchOne();
  beat(heartbeat);
  look(STEP_MS);
  expect(watch.areAllWell).toBe(true);
  expect(look(3_000)).toEqual([['silent', 3_000]]);
  expect(watch.areAllWell).toBe(false);
  expect(look(7_000)).toEqual([['replace', 10_000]]);
  expect(look(30_000)).toEqual([['stuck', 20_000]]);
  watch.end('a');
  expect(look(60_000)).toEqual([]);
  expect(watch.areAllWell).toBe(true);
});

test('one that comes back is told so, and may be silent again', () => {
  const { heartbeat, look } = watchOne();
  beat(heartbeat);
  look(STEP_MS);
  look(5_000);
  beat(heartbeat);
  expect(look(STEP_MS)).toEqual([['back', 5_000]]);
  expect(look(3_000)).toEqual([['silent', 3_000]]);
});

test('one that has not begun has more time', () => {
  const { look } = watchOne();
  expect(look(59_000)).toEqual([]);
  expect(look(2_000)).toEqual([
    ['silent', 60_000],
    ['replace', 60_500],
  ]);
});

test('when the process was stopped with all its threads, nobody is replaced for it', () => {
  const { heartbeat, look } = watchOne();
  beat(heartbeat);
  look(STEP_MS);
  expect(look(600_000, 600_000)).toEqual([]);
  beat(heartbeat);
  expect(look(2_500)).toEqual([]);
});
