/**
 * Keeps a thread from being ended at a moment at which that would end the whole process: while it loads a native addon, which throws when
 * it is cut off, into nowhere.
 */
const FREE = 0;
const WORKING = 1;
const ENDING = 2;
/** Loading takes some milliseconds; who takes longer hangs. */
const PATIENCE_MS = 5_000;

export type EndGuard = Int32Array<SharedArrayBuffer>;

export function newEndGuard(): EndGuard {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** In the thread: nobody ends it during the work. Once it is to be ended the work is not begun, and this never resolves. */
export async function uninterrupted<T>(guard: EndGuard, work: () => Promise<T>): Promise<T> {
  if (Atomics.compareExchange(guard, 0, FREE, WORKING) === ENDING) return new Promise(() => undefined);
  try {
    return await work();
  } finally {
    Atomics.store(guard, 0, FREE);
    Atomics.notify(guard, 0);
  }
}

/** In main, before it ends the thread: resolves as soon as that may be done, and after PATIENCE_MS in any case. */
export async function mayEnd(guard: EndGuard, patienceMs = PATIENCE_MS): Promise<void> {
  while (Atomics.compareExchange(guard, 0, FREE, ENDING) === WORKING) {
    const { async, value } = Atomics.waitAsync(guard, 0, WORKING, patienceMs);
    if (async && (await value) === 'timed-out') return;
  }
}
