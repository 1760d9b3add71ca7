import { describe, expect, test } from 'vitest';
import { mayEnd, newEndGuard, uninterrupted } from '../../../agent/src/threads/end-guard.ts';

/** Long enough for promises to have their turn. */
const turn = () => new Promise(resolve => setImmediate(resolve));

describe('a thread that must not be ended now', () => {
  test('is ended when its work is done, however that ended', async () => {
    for (const settle of ['resolve', 'reject'] as const) {
      const guard = newEndGuard();
      const work = Promise.withResolvers<number>();
      const done = uninterrupted(guard, () => work.promise).catch(error => error);
      let ended = false;
      const ending = mayEnd(guard).then(() => {
        ended = true;
      });
      await turn();
      expect(ended).toBe(false);
      work[settle](7);
      expect(await done).toBe(7);
      await ending;
    }
  });

  test('does not begin such work once it is to be ended', async () => {
    const guard = newEndGuard();
    await mayEnd(guard);
    let begun = false;
    void uninterrupted(guard, async () => {
      begun = true;
    });
    await turn();
    expect(begun).toBe(false);
  });

  test('may do one such work after the other', async () => {
    const guard = newEndGuard();
    expect(await uninterrupted(guard, async () => 1)).toBe(1);
    expect(await uninterrupted(guard, async () => 2)).toBe(2);
    await mayEnd(guard);
  });

  test('is ended all the same where its work hangs', async () => {
    const guard = newEndGuard();
    void uninterrupted(guard, () => new Promise(() => undefined));
    await mayEnd(guard, 1);
  });
});
