import { newTerminationLock, waitUntilTerminable, withoutTermination } from '@lars/syscalls/termination-lock';
import { describe, expect, test } from 'vitest';

/** Long enough for promises to have their turn. */
const turn = () => new Promise(resolve => setImmediate(resolve));

/** Nobody waits so long: the work's end must end the wait. */
const A_DAY_MS = 86_400_000;

describe('a thread that must not be ended now', () => {
  test('is ended when its work is done, however that ended', async () => {
    for (const settle of ['resolve', 'reject'] as const) {
      const lock = newTerminationLock();
      const work = Promise.withResolvers<number>();
      const done = withoutTermination(lock, () => work.promise).catch(error => error);
      let ended = false;
      const ending = waitUntilTerminable(lock, A_DAY_MS).then(() => {
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
    const lock = newTerminationLock();
    await waitUntilTerminable(lock);
    let begun = false;
    void withoutTermination(lock, async () => {
      begun = true;
    });
    await turn();
    expect(begun).toBe(false);
  });

  test('may do one such work after the other', async () => {
    const lock = newTerminationLock();
    expect(await withoutTermination(lock, async () => 1)).toBe(1);
    expect(await withoutTermination(lock, async () => 2)).toBe(2);
    await waitUntilTerminable(lock);
  });

  test('is ended all the same where its work hangs', async () => {
    const lock = newTerminationLock();
    void withoutTermination(lock, () => new Promise(() => undefined));
    await waitUntilTerminable(lock, 1);
  });
});
