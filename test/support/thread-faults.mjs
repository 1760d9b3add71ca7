// Loaded into every thread of a service (node --import): a thread NAME dies when the file `die-NAME` appears in the working folder, and runs in a
// circle for some seconds when `hang-NAME` does.
import { existsSync, rmSync } from 'node:fs';
import { isMainThread, threadName, workerData } from 'node:worker_threads';

const LOOK_MS = 100;
const HANG_MS = 5_000;

if (!isMainThread) {
  const name = workerData.name ?? threadName;
  const isAsked = what => {
    if (!existsSync(`${what}-${name}`)) return false;
    rmSync(`${what}-${name}`);
    return true;
  };
  setInterval(() => {
    if (isAsked('die')) throw new Error('the test asked for it');
    if (isAsked('hang')) for (const endMs = performance.now() + HANG_MS; performance.now() < endMs; );
  }, LOOK_MS).unref();
}
