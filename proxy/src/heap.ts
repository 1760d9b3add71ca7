/**
 * How V8 keeps the memory of a proxy. Most objects of a connection live as long as it, so that V8 takes the youngest generation for too small and doubles it again
 * and again while connections come, up to 48 MB, which stay with a process that has nothing more to do. Connections that end soon leave little
 * garbage, for which the first size does: a collection in it takes some hundred microseconds.
 */
import { setFlagsFromString } from 'node:v8';
import { exposeGc, scheduleGc } from '@lars/runtime/gc';

/** To be called once, in the main thread and before others are started: it holds for all of them. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  exposeGc();
  scheduleGc();
}
