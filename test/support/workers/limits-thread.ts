/** A thread that takes places of a proxy's connections and gives them back, as fast as it can. */
import { parentPort, workerData } from 'node:worker_threads';
import { ConnectionLimits, type ConnectionsMax } from '../../../proxy/src/connection-limits.ts';

export interface LimitsThread {
  readonly buffer: SharedArrayBuffer;
  readonly thread: number;
  readonly threads: number;
  readonly listener: number;
  readonly max: ConnectionsMax;
  readonly rounds: number;
}

const { buffer, thread, threads, listener, max, rounds } = workerData as LimitsThread;
const limits = new ConnectionLimits(2, { buffer, thread, threads });
const refused = { total: 0, listener: 0 };
for (let round = 0; round < rounds; round++) {
  const by = limits.acquire(listener, max);
  if (by === undefined) limits.release(listener);
  else refused[by] += 1;
}
parentPort?.postMessage(refused);
