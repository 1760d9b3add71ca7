/** The script of a thread that serves connections. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { withoutTermination } from '@lars/syscalls/termination-lock';
import { createPassingEngine } from '../create-engine.ts';
import { EngineError, type EngineLog } from '../engine.ts';
import { ConnectionOwner } from './connection-owner.ts';
import { loadHandler, type ReactorContext } from './handler-module.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { PoolClient } from './pool-client.ts';
import { SharedState } from './shared-state.ts';

/** How often a thread that stops looks whether its last connection has ended. */
const STOP_POLL_MS = 20;
/** So long may go on what a handler module does when all its connections are closed. */
const LEFT_OVER_MS = 500;

const port = parentPort as MessagePort;
const { thread, life, threads, shared, handler, data, maxWaiting, pool: ports, lock } = workerData as ThreadData;
const say = (message: FromThread) => port.postMessage(message);
const logAt =
  (level: 'info' | 'warn' | 'error') =>
  (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
    say({ kind: 'log', level, event, fields });
const log: EngineLog = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') };

const state = new SharedState(threads, shared);
// Before the handler module is loaded, which may open much, and die.
const owner = new ConnectionOwner({ log, shared: state, thread, life });
const engineDeps = { log: { ...log, info: () => undefined } };
const { engine, passing } = await withoutTermination(lock, () => createPassingEngine(engineDeps, owner));
const closeEngine = engine.close.bind(engine);
// Connections that are passed to a thread without an engine would be lost.
engine.close = () =>
  Promise.reject(new EngineError('UNSUPPORTED', 'the engine of a reactor thread is closed when its server is'));
const pool = new PoolClient(maxWaiting);
for (const way of ports) pool.add(way);
const runInPool: ReactorContext['runInPool'] = (task, input, transfer) => pool.run(task, input, transfer);
const factory = await loadHandler(handler, { engine, thread, data, log, runInPool });

port.on('message', (message: ToThread) => {
  if (message.kind === 'stop') stop(message.passed, performance.now() + message.graceMs);
  else pool.add(message.way);
});
passing.receive(owner.take, (connection, _, tag) => owner.serve(factory, connection, tag));
say({ kind: 'ready', inbox: passing.inbox });

function stop(passed: number, deadlineMs: number): void {
  if ((owner.size > 0 || state.taken(thread) < passed) && performance.now() < deadlineMs) {
    engine.after(STOP_POLL_MS, () => stop(passed, deadlineMs));
    return;
  }
  pool.close();
  void closeEngine().then(() => {
    port.close();
    // What the handler module has open beside the engine, a timer for instance, would keep the thread for ever.
    setTimeout(() => process.exit(), LEFT_OVER_MS).unref();
  });
}
