import { createEngine } from '@lars/reactor';
import { expect, onTestFinished, test, vi } from 'vitest';

test('node:net rests while no timer is due, and is in time for one that is set meanwhile', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const engine = await createEngine({ kind: 'node' }, { nowMs: () => Date.now() });
  const timers = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => timers.mockRestore());
  const far = engine.after(3_600_000, () => expect.unreachable('it is an hour away'));
  vi.advanceTimersByTime(10_000);
  // Ten times a second, and where the wheel's fine ring begins anew; it had been a hundred times.
  expect(timers.mock.calls.length).toBeLessThan(110);
  let firedAtMs = 0;
  for (const [at, ms] of [0, 5, 30, 95].entries()) {
    vi.advanceTimersByTime(110 + 7 * at);
    const setAtMs = Date.now();
    engine.after(ms, () => {
      firedAtMs = Date.now();
    });
    vi.advanceTimersByTime(ms + 20);
    expect(firedAtMs).toBeGreaterThanOrEqual(setAtMs + ms);
  }
  far.cancel();
  await engine.close();
  expect(vi.getTimerCount()).toBe(0);
});
