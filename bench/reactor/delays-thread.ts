/** A thread that echoes, with the engine that it is told, or none; notes how late messages and timers are, and says so when it is asked. */
import { readFileSync, readlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { createEngine, type EngineKind } from '@lars/reactor';

export interface ThreadDelays {
  /** How late each message was, ms. */
  readonly messages: readonly number[];
  /** How much this thread computed between setting a timer of 1 ms and being called by it, ms. */
  readonly own: readonly number[];
  /** How long it ran, and how long it could have run and had no processor, ms. */
  readonly ranMs: number;
  readonly waitedMs: number;
}

/** Milliseconds that all threads of this process share. */
export const sharedNow = (): number => performance.timeOrigin + performance.now();

if (parentPort !== null) {
  const port = parentPort;
  const schedule = `/proc/${readlinkSync('/proc/thread-self')}/schedstat`;
  const scheduled = () => readFileSync(schedule, 'utf8').split(' ').map(Number) as [number, number];
  const cpuMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let messages: number[] = [];
  let own: number[] = [];
  let before = scheduled();
  const tick = () => {
    const setMs = cpuMs();
    setTimeout(() => {
      own.push(cpuMs() - setMs);
      tick();
    }, 1);
  };
  tick();
  port.on('message', (sentMs: number) => {
    if (sentMs > 0) {
      messages.push(sharedNow() - sentMs);
      return;
    }
    const now = scheduled();
    const [ranMs, waitedMs] = [(now[0] - before[0]) / 1e6, (now[1] - before[1]) / 1e6];
    port.postMessage({ messages, own, ranMs, waitedMs } satisfies ThreadDelays);
    [messages, own, before] = [[], [], now];
  });
  const kind = workerData as EngineKind | 'none';
  if (kind === 'none') port.postMessage(0);
  else {
    const engine = await createEngine({ kind });
    const onDrain = { onDrain: (one: { resume(): void }) => one.resume() };
    const listener = await engine.listen({ port: 0, backlog: 4_096 }, client =>
      client.start({ onData: (one, bytes) => void (one.write(bytes) || one.pause()), ...onDrain }),
    );
    port.postMessage(listener.address.port);
  }
}
