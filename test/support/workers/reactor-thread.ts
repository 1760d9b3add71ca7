/** An engine in a thread of its own, which echoes on the connections whose descriptors it is sent; 'close' closes the engine and ends the thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { createEngine, type EngineKind } from '@lars/reactor';

const engine = await createEngine({ kind: workerData as EngineKind });
parentPort?.on('message', async (message: number | 'close') => {
  if (message === 'close') {
    await engine.close();
    parentPort?.close();
    return;
  }
  engine.adopt(message).start({
    onData: (one, bytes) => void (one.write(bytes) || one.pause()),
    onDrain: one => one.resume(),
  });
});
parentPort?.postMessage('ready');
