/** Waiting for what happens outside the test: in a socket, a thread, another process. Tests' faked timers do not touch it. */
import { setTimeout as sleep } from 'node:timers/promises';

const now = performance.now.bind(performance);
const TIMEOUT_MS = 10_000;
const POLL_MS = 2;

/** Resolves with what `look` returns as soon as that is neither undefined nor false. Throws naming `what` when it takes too long. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  const deadlineMs = now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
