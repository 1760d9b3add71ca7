import { SlicePacer } from '@lars/runtime/slice-pacer';
import { expect, test, vi } from 'vitest';

test('work that goes on for long lets other events be handled, and short work does not wait for them', async () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1_000);
  const pacer = new SlicePacer();
  const events: string[] = [];
  setImmediate(() => events.push('request'));
  await pacer.pause();
  expect(events).toEqual(['request']);
  now.mockReturnValue(1_009);
  expect(pacer.pause()).toBeUndefined();
  now.mockReturnValue(1_010);
  expect(pacer.pause()).toBeInstanceOf(Promise);
  now.mockRestore();
});
