/**
 * Loading modules leaves garbage behind (sources, syntax trees) that an idle isolate never collects: about 2 MB in each of the
 * agent's threads. One thorough collection after the start gives that memory back to the system.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type CollectGarbage = (options: { type: 'major'; flavor: 'last-resort' }) => void;

/** After the start, long enough that the first requests do not wait for a garbage collection. */
const DELAY_MS = 1_000;

/** Makes the garbage collector callable in threads that are started from now on: call it in the main thread, before them. */
export function exposeGc(): void {
  setFlagsFromString('--expose-gc');
}

/** Collects garbage once, in the calling thread, after a delay; where the collector is not exposed it does nothing. */
export function scheduleGc(delayMs = DELAY_MS): void {
  setTimeout(() => collector()?.({ type: 'major', flavor: 'last-resort' }), delayMs).unref();
}

function collector(): CollectGarbage | undefined {
  const found: unknown = (globalThis as { gc?: unknown }).gc ?? runInNewContext('globalThis.gc');
  return typeof found === 'function' ? (found as CollectGarbage) : undefined;
}
