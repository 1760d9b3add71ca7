/**
 * Keeps a thread from being terminated while it loads a native addon. The addon throws an exception when the load is cut off, and as
 * nothing can catch that one, it would end the whole process.
 */
const FREE = 0;
const WORKING = 1;
const TERMINATING = 2;
/** Loading takes some milliseconds; a thread that takes longer hangs. */
const MAX_WAIT_MS = 5_000;

/** Main and one thread share it. */
export type TerminationLock = Int32Array<SharedArrayBuffer>;

export function newTerminationLock(): TerminationLock {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** In the thread: does work during which main does not terminate it. Once main is about to, the work is not begun, and this never resolves. */
export async function withoutTermination<T>(lock: TerminationLock, work: () => Promise<T>): Promise<T> {
  if (Atomics.compareExchange(lock, 0, FREE, WORKING) === TERMINATING) return new Promise(() => undefined);
  try {
    return await work();
  } finally {
    Atomics.store(lock, 0, FREE);
    Atomics.notify(lock, 0);
  }
}

/** In main, before it terminates the thread: resolves as soon as it may, and after `maxWaitMs` in any case. */
export async function waitUntilTerminable(lock: TerminationLock, maxWaitMs = MAX_WAIT_MS): Promise<void> {
  while (Atomics.compareExchange(lock, 0, FREE, TERMINATING) === WORKING) {
    const { async, value } = Atomics.waitAsync(lock, 0, WORKING, maxWaitMs);
    if (async && (await value) === 'timed-out') return;
  }
}
