import { expect, test } from 'vitest';
import { SharedState } from '../../../reactor/src/server/shared-state.ts';
import { ThreadSlot } from '../../../reactor/src/server/thread-slot.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingLog } from '../../support/recording-log.ts';

/** Says that it has loaded what it needs when it is let; counts in the second word meanwhile, and never serves. */
const SCRIPT = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { workerData } from 'node:worker_threads';
    import { withoutTermination } from '${import.meta.resolve('@lars/syscalls/termination-lock')}';
    const { data: { gate }, lock } = workerData;
    withoutTermination(lock, () => new Promise(resolve => {
      setInterval(() => {
        Atomics.add(gate, 1, 1);
        if (Atomics.exchange(gate, 0, 0) === 1) resolve();
      }, 5);
    }));
  `)}`,
);

function newSlot(gate: Int32Array): ThreadSlot {
  const shared = new SharedState(1);
  return new ThreadSlot(0, {
    shared,
    log: recordingLog().log,
    nowMs: () => performance.now(),
    script: SCRIPT,
    passing: { pass: () => undefined, takeBack: () => undefined },
    data: { threads: 1, maxWaiting: 1, shared: shared.buffer, handler: '', data: { gate } },
    connectPool: () => [],
    hangLimitMs: 0,
    onDeath: () => undefined,
    onEvent: () => undefined,
  });
}

test.each<[string, (slot: ThreadSlot) => Promise<void>]>([
  ['stopped', slot => slot.stop(0)],
  ['ended', slot => slot.terminate()],
])('a thread that is %s while it loads koffi is waited for, because that would end the process', async (_, end) => {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const slot = newSlot(gate);
  const started = slot.start();
  await eventually('it loads', () => (gate[1] as number) > 0);
  const before = gate[1] as number;
  let isOver = false;
  const over = end(slot).then(() => {
    isOver = true;
  });
  await eventually('it goes on', () => (gate[1] as number) > before + 10);
  expect(isOver).toBe(false);
  gate[0] = 1;
  await over;
  await expect(started).rejects.toThrow('ended its thread');
});
