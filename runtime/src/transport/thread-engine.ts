import type { Engine, EngineKind, EngineLog } from '@lars/reactor';

/** A part of the thread's engine. */
export interface EngineLease {
  readonly engine: Engine;
  /** The engine is closed with the last lease. */
  release(): Promise<void>;
}

interface ThreadEngine {
  readonly engine: Promise<Engine>;
  leases: number;
}

/**
 * The engine of this thread. A thread waits in its engine, so that two would wait for one another; services that share a thread, those of `lars up`
 * for instance, share it.
 */
let shared: ThreadEngine | undefined;

/**
 * @param kind of the engine, where there is none yet @param log of the first one who leases it
 * @throws {EngineError} UNAVAILABLE when a kind was asked for that does not run here, or that the thread's engine is not
 */
export async function leaseEngine(kind: EngineKind | 'auto', log: EngineLog): Promise<EngineLease> {
  // Loaded where it is needed: a service on node:net saves the memory.
  const { createEngine, EngineError } = await import('@lars/reactor');
  // What was chosen is said by the service.
  shared ??= { engine: createEngine({ kind }, { log: { ...log, info: () => undefined } }), leases: 0 };
  const own = shared;
  own.leases += 1;
  let isReleased = false;
  const release = async () => {
    if (isReleased) return;
    isReleased = true;
    own.leases -= 1;
    if (own.leases > 0) return;
    if (shared === own) shared = undefined;
    await (await own.engine).close();
  };
  try {
    const engine = await own.engine;
    if (kind === 'auto' || kind === engine.kind) return { engine, release };
    throw new EngineError('UNAVAILABLE', `another service of this process has the engine ${engine.kind}, and a thread has one`);
  } catch (error) {
    await release().catch(() => undefined);
    throw error;
  }
}
