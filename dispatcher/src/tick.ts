import type { Engine } from '@lars/reactor';

/** How often what has a time limit is looked at, while there is such. */
export const TICK_MS = 20;

/** Looks now, and once per tick. */
export async function waitUntil(
  isTrue: () => boolean,
  limitMs: number,
  { engine, nowMs }: { readonly engine: Pick<Engine, 'after'>; readonly nowMs: () => number },
): Promise<void> {
  const deadlineMs = nowMs() + limitMs;
  while (!isTrue() && nowMs() < deadlineMs) {
    await new Promise<void>(resolve => {
      engine.after(TICK_MS, resolve);
    });
  }
}
