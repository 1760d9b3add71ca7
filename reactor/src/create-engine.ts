import { type Engine, EngineError, type EngineKind, type EngineLog } from './engine.ts';
import { EngineCore } from './engine-core.ts';
import { NodeEngine } from './node/node-engine.ts';

export interface EngineOptions {
  /** 'auto', the default, takes the best that runs here. */
  readonly kind?: EngineKind | 'auto';
}

export interface EngineDeps {
  readonly log?: EngineLog;
  /** Monotonic; default: performance.now. */
  readonly nowMs?: () => number;
}

const SILENT: EngineLog = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Makes an engine for this thread, and says in the log which it is and why.
 * @throws {EngineError} UNAVAILABLE when a kind was asked for that does not run here
 */
export async function createEngine({ kind = 'auto' }: EngineOptions = {}, deps: EngineDeps = {}): Promise<Engine> {
  const core = new EngineCore({ log: deps.log ?? SILENT, nowMs: deps.nowMs ?? (() => performance.now()) });
  const engine = await choose(kind, core);
  core.log.info('sockets are served', { engine: engine.kind, reason: engine.reason });
  return engine;
}

async function choose(kind: EngineKind | 'auto', core: EngineCore): Promise<Engine> {
  if (kind === 'auto' || kind === 'node') return new NodeEngine(core, 'node:net, as asked for');
  throw new EngineError('UNAVAILABLE', `the engine ${kind} does not run here`);
}
