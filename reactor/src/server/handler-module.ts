import type { Transferable } from 'node:worker_threads';
import type { Connection, ConnectionHandler, Engine, EngineLog } from '../engine.ts';

/** What a handler module works with: that of the thread in which it runs. */
export interface ReactorContext {
  /** For timers, and for connections to elsewhere; they are lost when the thread dies. */
  readonly engine: Engine;
  /** Counted from 0. */
  readonly thread: number;
  /** What `createReactorServer` was given. */
  readonly data: unknown;
  readonly log: EngineLog;
  /**
   * Runs a task in the pool of the server, while this thread goes on with its connections. Answers come in any order.
   * @param task its name in the pool's module
   * @param input cloned, except what is in `transfer`
   * @throws {PoolError} as rejection, with `code` FAILED, FULL, LOST or NONE
   */
  runInPool(task: string, input: unknown, transfer?: readonly Transferable[]): Promise<unknown>;
}

/** Called for each connection. @param listener which listener accepted it, counted from 0. @returns who is told what comes */
export type HandlerFactory = (connection: Connection, listener: number) => ConnectionHandler;

/** A module that serves connections, loaded once in each thread. */
export interface HandlerModule {
  createHandler(context: ReactorContext): HandlerFactory | Promise<HandlerFactory>;
}

/** @throws {TypeError} when it has no such function */
export async function loadHandler(url: string, context: ReactorContext): Promise<HandlerFactory> {
  const module = (await import(url)) as Partial<HandlerModule>;
  if (typeof module.createHandler !== 'function') throw new TypeError(`${url} does not export a function createHandler`);
  return module.createHandler(context);
}
