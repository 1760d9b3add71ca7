/**
 * How late messages of other threads reach a thread that an engine keeps busy, and, as control, a thread beside it that does nothing else; how much of that is the thread's own work
 * between two turns of its event loop; and what share of its time it waited for a processor. Milliseconds: `node --conditions=source bench/message-delays.ts [--threads 1] [--seconds 3]`
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { createEngine } from '@lars/reactor';
import { quantile } from './balancing/measure/statistics.ts';
import { sharedNow, type ThreadDelays } from './reactor/delays-thread.ts';
import { bulk, type Load, roundTrips, shortConnections } from './reactor/loads.ts';

const LOADS: readonly (readonly [string, Load])[] = [
  ['round trips, 100 connections', roundTrips(100)],
  ['round trips, 1,000 connections', roundTrips(1_000)],
  ['short connections', shortConnections],
  ['bytes, 40 connections', bulk(40)],
];
const THREAD = new URL('./reactor/delays-thread.ts', import.meta.url);

const { values } = parseArgs({
  options: { threads: { type: 'string', default: '1' }, seconds: { type: 'string', default: '3' } },
});
const milliseconds = Number(values.seconds) * 1_000;

async function start(workerData: string): Promise<readonly [Worker, number]> {
  const worker = new Worker(THREAD, { workerData });
  return [worker, ((await once(worker, 'message')) as [number])[0]];
}

async function delaysOf(worker: Worker): Promise<ThreadDelays> {
  worker.postMessage(0);
  return ((await once(worker, 'message')) as [ThreadDelays])[0];
}

const engine = await createEngine();
const control = await start('none');
console.log('| load | thread | message p50 | p99 | largest | own work p99 | largest | without a processor |');
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const kind of ['epoll', 'io_uring']) {
  const servers = await Promise.all(Array.from({ length: Number(values.threads) }, () => start(kind)));
  const threads = [...servers, control];
  for (const [name, load] of LOADS) {
    await Promise.all(servers.map(([, port]) => load(engine, port, milliseconds / 3)));
    for (const [worker] of threads) await delaysOf(worker);
    const sending = setInterval(() => {
      for (const [worker] of threads) worker.postMessage(sharedNow());
    }, 5);
    await Promise.all(servers.map(([, port]) => load(engine, port, milliseconds)));
    clearInterval(sending);
    for (const [worker, port] of threads) report(name, port === 0 ? 'control' : kind, await delaysOf(worker));
  }
  for (const [worker] of servers) await worker.terminate();
}
await control[0].terminate();
await engine.close();

function report(load: string, thread: string, { messages, own, ranMs, waitedMs }: ThreadDelays): void {
  const late = [0.5, 0.99, 1].map(share => quantile(messages, share));
  const work = [0.99, 1].map(share => quantile(own, share));
  const share = `${Math.round((100 * waitedMs) / Math.max(1, ranMs + waitedMs))} %`;
  console.log(`| ${[load, thread, ...[...late, ...work].map(ms => ms.toFixed(1)), share].join(' | ')} |`);
}
