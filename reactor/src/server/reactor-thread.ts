/** The script of a thread that serves connections. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createEngine } from '../create-engine.ts';
import type { EngineLog } from '../engine.ts';
import { ConnectionOwner } from './connection-owner.ts';
import { loadHandler, type ReactorContext } from './handler-module.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { PoolClient } from './pool-client.ts';
import { SharedState } from './shared-state.ts';

/** How often a thread that stops looks whether its last connection has ended. */
const STOP_POLL_MS = 20;

const port = parentPort as MessagePort;
const { thread, life, threads, shared, handler, data, maxWaiting } = workerData as ThreadData;
const say = (message: FromThread) => port.postMessage(message);
const logAt =
  (level: 'info' | 'warn' | 'error') =>
  (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
    say({ kind: 'log', level, event, fields });
const log: EngineLog = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };

const engine = await createEngine({}, { log: { ...log, info: () => undefined } });
const pool = new PoolClient(maxWaiting);
const runInPool: ReactorContext['runInPool'] = (task, input, transfer) => pool.run(task, input, transfer);
const factory = await loadHandler(handler, { engine, thread, data, log, runInPool });
const owner = new ConnectionOwner({ engine, log, shared: new SharedState(threads, shared), factory, thread, life });

port.on('message', (message: ToThread) => {
  if (message.kind === 'stop') stop(performance.now() + message.graceMs);
  else if (message.kind === 'pool') pool.add(message.port);
  else for (const [at, fd] of message.fds.entries()) owner.serve(fd, message.listeners[at] ?? 0);
});
say({ kind: 'ready', engine: engine.kind });

function stop(deadlineMs: number): void {
  if (owner.size > 0 && performance.now() < deadlineMs) {
    engine.after(STOP_POLL_MS, () => stop(deadlineMs));
    return;
  }
  pool.close();
  void engine.close().then(() => port.close());
}
