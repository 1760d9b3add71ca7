import type { Transferable } from 'node:worker_threads';
import type { Connection, ConnectionHandler, Engine, EngineLog } from '../engine.ts';
import { asError } from '../engine-core.ts';

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

/** @throws {Error} when it does not load, has no such function, or that makes none; what it throws itself */
export async function loadHandler(url: string, context: ReactorContext): Promise<HandlerFactory> {
  const { createHandler } = await importModule<HandlerModule>('handler', url);
  if (typeof createHandler !== 'function') throw new TypeError(`handler: ${url} does not export a function createHandler`);
  const factory: unknown = await createHandler(context);
  if (typeof factory === 'function') return factory as HandlerFactory;
  throw new TypeError(
    `handler: createHandler of ${url} returned no function; it is called for each connection, and returns its handler`,
  );
}

/**
 * @param option which names the module: a syntax error, for one, tells no file
 * @throws {Error} one line, with the `cause` and its `code`
 */
export async function importModule<T>(option: string, url: string): Promise<Partial<T>> {
  try {
    return (await import(url)) as Partial<T>;
  } catch (thrown) {
    const cause = asError(thrown) as NodeJS.ErrnoException;
    const error = new Error(`${option}: ${url} does not load: ${cause.message}`, { cause });
    throw Object.assign(error, cause.code === undefined ? {} : { code: cause.code });
  }
}

/**
 * Gives a connection the handler that is made for it; where none is made, the connection is reset.
 * @param listener which listener accepted it, counted from 0
 * @param onFailed is told why there is none, after the reset
 */
export function startHandler(
  factory: HandlerFactory,
  connection: Connection,
  listener: number,
  onFailed: (error: Error) => void,
): void {
  try {
    connection.start(checkHandler(factory(connection, listener)));
  } catch (error) {
    connection.reset();
    onFailed(asError(error));
  }
}

/** @throws {TypeError} when what a factory has returned is none */
function checkHandler(handler: ConnectionHandler): ConnectionHandler {
  if (typeof (handler as Partial<ConnectionHandler> | undefined)?.onData === 'function') return handler;
  const what = (handler as unknown) instanceof Promise ? 'a promise, and not a handler' : 'what has no function onData';
  throw new TypeError(`the function that makes handlers returned ${what}`);
}
