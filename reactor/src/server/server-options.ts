import { checkMs, checkWhole, listenPlace } from '../check-options.ts';
import { EngineError, type ListenOptions } from '../engine.ts';
import { MAX_LISTENERS } from './pass-tag.ts';
import type { TaskPoolOptions } from './task-pool.ts';

export interface ReactorServerOptions {
  /** Where it accepts. */
  readonly listen: readonly ListenOptions[];
  /** How many threads serve, from 1 to 256. */
  readonly threads: number;
  /** The URL, or the absolute path, of a module that exports `createHandler` (see HandlerModule): each thread loads it, for a function cannot be passed to a thread. */
  readonly handler: URL | string;
  /** Given to `createHandler`; it is cloned. */
  readonly data?: unknown;
  /** Threads for `runInPool` of the handlers' context. */
  readonly pool?: TaskPoolOptions;
  /** So many connections are open at a time; others wait in the kernel's queue. Default: any number. */
  readonly maxConnections?: number;
  /** A thread that has connections, and computes or waits for so long without serving them, is ended as if it had died, 2,000 ms at the earliest; 0 = none is, the default. It is told in the log either way. */
  readonly hangLimitMs?: number;
}

const MAX_THREADS = 256;

/** @throws {EngineError} BAD_OPTION, naming the option */
export function checkServerOptions({ listen, threads, handler, pool, maxConnections, hangLimitMs }: ReactorServerOptions): void {
  checkWhole('threads', threads, 1, MAX_THREADS, true);
  if (!Array.isArray(listen)) throw bad('listen is no list of places to listen: [{ port: 7000 }]');
  if (listen.length === 0 || listen.length > MAX_LISTENERS) {
    throw bad(`listen names ${listen.length} places, and may name 1 to ${MAX_LISTENERS}`);
  }
  for (const place of listen as readonly unknown[]) {
    if (typeof place !== 'object' || place === null)
      throw bad(`listen names ${String(place)}, and not { port: 7000 } or { path: '/run/x.sock' }`);
    listenPlace(place);
  }
  checkModule('handler', handler);
  checkMs('hangLimitMs', hangLimitMs);
  if (maxConnections !== Number.POSITIVE_INFINITY) checkWhole('maxConnections', maxConnections, 1, Number.MAX_SAFE_INTEGER);
  if (pool === undefined) return;
  checkModule('pool.module', pool.module);
  checkWhole('pool.threads', pool.threads, 1, MAX_THREADS, true);
  checkWhole('pool.maxWaiting', pool.maxWaiting, 1, Number.MAX_SAFE_INTEGER);
}

/** A path that is relative would be looked for beside the file that loads it, which is one of this package. */
function checkModule(name: string, module: URL | string): void {
  if (module instanceof URL || (typeof module === 'string' && (module.startsWith('/') || URL.canParse(module)))) return;
  throw bad(`${name} is '${String(module)}', and must be a URL or an absolute path: new URL('./handler.js', import.meta.url)`);
}

function bad(message: string): EngineError {
  return new EngineError('BAD_OPTION', message);
}
