/** The script of a thread of a pool: it runs tasks for the threads that serve connections. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { importModule } from './handler-module.ts';
import type { PoolData, ToPool, ToPoolThread } from './messages.ts';
import type { TaskModule } from './task-pool.ts';

const main = parentPort as MessagePort;
const { module, underWay } = workerData as PoolData;
const { tasks } = await importModule<TaskModule>('pool.module', module);
if (typeof tasks !== 'object') throw new TypeError(`pool.module: ${module} does not export an object tasks`);

main.on('message', ({ port }: ToPoolThread) => {
  port.on('message', (message: ToPool) => void run(port, message));
});
main.postMessage('ready');

async function run(port: MessagePort, { id, task, input }: ToPool): Promise<void> {
  try {
    const work = Object.hasOwn(tasks as object, task) ? tasks?.[task] : undefined;
    if (work === undefined) throw new TypeError(`there is no task ${task}`);
    port.postMessage({ id, value: await work(input) });
  } catch (error) {
    port.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  } finally {
    Atomics.sub(underWay, 0, 1);
  }
}
