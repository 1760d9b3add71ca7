import { performance } from 'node:perf_hooks';
import { loadNative, type Native } from '@lars/syscalls/native';
import { type Engine, EngineError, type EngineKind, type EngineLog, engineKinds } from './engine.ts';
import { asError, EngineCore } from './engine-core.ts';
import { bindLibc } from './linux/libc.ts';
import { EpollSet } from './native/epoll-set.ts';
import { NativeEngine } from './native/native-engine.ts';
import { RingWaker } from './native/ring-waker.ts';
import { NodeEngine } from './node/node-engine.ts';
import type { DescriptorWatcher, Passing } from './passing.ts';
import type { ResourceLedger } from './resource-ledger.ts';
import { bindUring } from './uring/uring-calls.ts';
import { UringSet } from './uring/uring-set.ts';

export interface EngineOptions {
  /** Or kinds in the order in which they are tried. 'auto', the default, is epoll, and node:net where that does not run. */
  readonly kind?: EngineKind | 'auto' | readonly EngineKind[];
}

/** The order for those that mostly relay: io_uring needs fewer system calls for that, and more for what is written by handlers (bench/run.ts, tcp-proxy; bench/reactor.ts). */
export const RELAY_ENGINES: readonly EngineKind[] = ['io_uring', 'epoll', 'node'];
const AUTO: readonly EngineKind[] = ['epoll', 'node'];

export interface EngineDeps {
  readonly log?: EngineLog;
  /** Monotonic; default: performance.now. */
  readonly nowMs?: () => number;
  /** Says from the start on what the engine has, for another thread that calls `closeLeft` when this one has died. node:net has nothing that outlives its thread. */
  readonly ledger?: ResourceLedger;
}

const SILENT: EngineLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Makes an engine for this thread, and says in the log which it is and why.
 * @throws {EngineError} UNAVAILABLE when a kind was asked for that does not run here; BAD_OPTION when there is none of that name
 */
export async function createEngine({ kind = 'auto' }: EngineOptions = {}, deps: EngineDeps = {}): Promise<Engine> {
  const core = newCore(deps);
  const engine = await choose(kind, core);
  if (deps.ledger !== undefined && engine instanceof NativeEngine) engine.keepLedger(deps.ledger);
  sayWhich(core, engine);
  return engine;
}

/**
 * Makes an engine for one of several threads that pass connections to each other, and says in the log which it is.
 * @param watcher told of its descriptors from the start on: this thread may die at any time
 * @throws {EngineError} UNAVAILABLE where they cannot: off Linux, and without koffi
 */
export async function createPassingEngine(
  deps: EngineDeps,
  watcher?: DescriptorWatcher,
): Promise<{ readonly engine: Engine; readonly passing: Passing }> {
  const core = newCore(deps);
  const outcome = await open(bindLibc, libc => {
    const set = new EpollSet(libc);
    const engine = new NativeEngine(core, libc, set, 'epoll', 'epoll, through which threads pass connections');
    if (watcher !== undefined) engine.watchDescriptors(watcher);
    return { engine, passing: engine.passing(set) };
  });
  if ('unavailable' in outcome) {
    throw new EngineError(
      'UNAVAILABLE',
      `connections cannot be passed between threads: epoll does not run here: ${outcome.unavailable}`,
    );
  }
  sayWhich(core, outcome.opened.engine);
  return outcome.opened;
}

function newCore({ log = SILENT, nowMs = () => performance.now() }: EngineDeps): EngineCore {
  return new EngineCore({ log, nowMs });
}

function sayWhich(core: EngineCore, engine: Engine): void {
  core.log.info('sockets are served', { engine: engine.kind, reason: engine.reason });
}

async function choose(kind: EngineKind | 'auto' | readonly EngineKind[], core: EngineCore): Promise<Engine> {
  if (typeof kind === 'object' || kind === 'auto') return firstOf(kind === 'auto' ? AUTO : kind, core);
  if (!engineKinds.includes(kind))
    throw new EngineError('BAD_OPTION', `there is no engine '${String(kind)}'; there are ${engineKinds.join(', ')}`);
  const outcome = await openers[kind](core, `${kindNames[kind]}, as asked for`);
  if ('opened' in outcome) return outcome.opened;
  throw new EngineError('UNAVAILABLE', `the engine ${kind} does not run here: ${outcome.unavailable}`);
}

async function firstOf(kinds: readonly EngineKind[], core: EngineCore): Promise<Engine> {
  const missing: string[] = [];
  for (const kind of kinds) {
    const why = missing.length === 0 ? 'the best that runs here' : `because ${missing.join(', and ')}`;
    const outcome = await openers[kind](core, `${kindNames[kind]}, ${why}`);
    if ('opened' in outcome) return outcome.opened;
    missing.push(`${kindNames[kind]} does not run here: ${outcome.unavailable}`);
  }
  throw new EngineError('UNAVAILABLE', missing.join('; '));
}

const kindNames: Readonly<Record<EngineKind, string>> = { io_uring: 'io_uring', epoll: 'epoll', node: 'node:net' };

type Opening<T> = { readonly opened: T } | { readonly unavailable: string };

const openers: Readonly<Record<EngineKind, (core: EngineCore, reason: string) => Promise<Opening<Engine>>>> = {
  node: async (core, reason) => ({ opened: new NodeEngine(core, reason) }),
  epoll: (core, reason) => open(bindLibc, libc => new NativeEngine(core, libc, new EpollSet(libc), 'epoll', reason)),
  io_uring: (core, reason) =>
    open(bindUring, ({ libc, calls }) => {
      const set = new UringSet(calls, core);
      return new NativeEngine(core, libc, set, 'io_uring', reason, () => new RingWaker(libc, calls, set.descriptor));
    }),
};

async function open<T, E>(bind: (native: Native) => T, make: (bound: T) => E): Promise<Opening<E>> {
  const outcome = await loadNative(bind);
  if ('unavailable' in outcome) return outcome;
  try {
    return { opened: make(outcome.bound) };
  } catch (error) {
    return { unavailable: asError(error).message };
  }
}
