import { setImmediate as nextTick } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Ready, SocketPollLoop } from '../../../../runtime/src/udp/socket-poll.ts';

const loops: SocketPollLoop[] = [];
afterEach(() => {
  for (const loop of loops.splice(0)) loop.stop();
});

/** Polls that end as the test says, without blocking; after the last the loop is stopped. */
async function run(outcomes: readonly number[], isFull: (call: number) => boolean = () => false) {
  const timeouts: number[] = [];
  let calls = 0;
  const loop = new SocketPollLoop({
    poll: timeoutMs => {
      timeouts.push(timeoutMs);
      if (timeouts.length === outcomes.length) loop.stop();
      return outcomes[timeouts.length - 1] ?? 0;
    },
    onReady: () => isFull(calls++),
  });
  loops.push(loop);
  for (let tick = 0; tick < outcomes.length * 2 + 10; tick++) await nextTick();
  return { timeouts, calls };
}

test('waits when nothing is to do, and longer when that was so for about a second', async () => {
  const { timeouts, calls } = await run(Array.from({ length: 150 }, () => 0));
  expect(calls).toBe(0);
  expect(timeouts[0]).toBe(0);
  expect(new Set(timeouts.slice(1, 100))).toEqual(new Set([10]));
  expect(new Set(timeouts.slice(101))).toEqual(new Set([200]));
});

test('whatever happens shortens the waits again', async () => {
  const { timeouts } = await run([...Array.from({ length: 120 }, () => 0), Ready.loop, 0, 0]);
  expect(timeouts.slice(-3)).toEqual([200, 0, 10]);
});

test('gives the event loop a turn without waiting after it had something to do', async () => {
  const { timeouts } = await run([0, Ready.loop, Ready.loop, 0, 0]);
  expect(timeouts).toEqual([0, 10, 0, 0, 10]);
});

test('calls for each time that the socket is ready', async () => {
  const { calls, timeouts } = await run([Ready.socket, 0, Ready.socket + Ready.loop, Ready.loop, 0]);
  expect(calls).toBe(2);
  expect(timeouts).toEqual([0, 10, 10, 0, 0]);
});

test('does not ask whether there is more after a full batch', async () => {
  const { calls, timeouts } = await run([Ready.socket, 0], call => call < 3);
  expect(calls).toBe(4);
  expect(timeouts).toHaveLength(2);
});

test('lets the event loop have its turn after every fourth full batch', async () => {
  let batches = 0;
  const loop = new SocketPollLoop({ poll: () => Ready.socket, onReady: () => ++batches < 1_000 });
  loops.push(loop);
  const perTurn: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const before = batches;
    await nextTick();
    perTurn.push(batches - before);
  }
  expect(perTurn.slice(1)).toEqual([4, 4, 4, 4]);
});

test('takes no further batch once it is stopped in one', async () => {
  let batches = 0;
  const loop = new SocketPollLoop({
    poll: () => Ready.socket,
    onReady: () => {
      batches += 1;
      loop.stop();
      return true;
    },
  });
  await nextTick();
  await nextTick();
  expect(batches).toBe(1);
});

test('does nothing any more once it is stopped', async () => {
  let waits = 0;
  const loop = new SocketPollLoop({ poll: () => waits++ * 0, onReady: () => false });
  await nextTick();
  loop.stop();
  const before = waits;
  await nextTick();
  await nextTick();
  expect(waits).toBe(before);
});
