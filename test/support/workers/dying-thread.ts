/** A thread that has connections of each sort (accepted, made, in a relay, given away), and says so; whoever started it ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Connection, createEngine, type EngineKind, ResourceLedger } from '@lars/reactor';

export interface DyingThread {
  readonly kind: EngineKind;
  readonly ledger: SharedArrayBuffer;
  /** Where it connects to, for a relay of each second connection. */
  readonly remotePort: number;
}

const { kind, ledger, remotePort } = workerData as DyingThread;
const engine = await createEngine({ kind }, { ledger: new ResourceLedger(ledger) });
const silent = { onData: () => undefined, onClose: () => undefined };
let count = 0;

function relay(client: Connection): void {
  const made = engine.connect(
    { port: remotePort },
    {
      ...silent,
      onConnect: () => {
        engine.relay(client, made, { idleTimeoutMs: 60_000 }, () => undefined);
        parentPort?.postMessage('relayed');
      },
    },
  );
}

const listener = await engine.listen({ port: 0 }, client => {
  count += 1;
  if (count % 3 === 0) parentPort?.postMessage(client.detach().fd);
  else if (count % 3 === 1) relay(client);
  else client.start({ ...silent, onData: (_, bytes) => void client.write(bytes) });
});
parentPort?.postMessage({ port: listener.address.port });
