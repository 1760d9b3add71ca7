import type { Descriptors } from './descriptors/descriptors.ts';
import type { Engine } from './engine.ts';
import type { ResourceLedger } from './resource-ledger.ts';

export interface CloseLeftDeps {
  /** Of the thread that calls. */
  readonly engine: Engine;
  readonly descriptors: Descriptors;
}

/**
 * Releases what the engine of a thread has left that has died; its connections are reset. With io_uring that is done a moment later: the kernel ends first what is under way in the
 * thread's ring, which has no memory of this process any more then.
 * @param ledger the engine's (`createEngine`); it is empty afterwards
 * @returns how many connections those were
 */
export function closeLeft(ledger: ResourceLedger, { engine, descriptors }: CloseLeftDeps): number {
  const { fds, mappings } = ledger.takeAll();
  // A mapping would keep the ring alive, and the ring its connections.
  for (const mapping of mappings) descriptors.unmap(mapping);
  let connections = 0;
  for (const fd of fds) {
    try {
      // A client that got an orderly end instead would take what it has for all that there is.
      engine.adopt(fd).reset();
      connections += 1;
    } catch {
      // A listener, a pipe, or what the engine waits by.
      descriptors.close(fd);
    }
  }
  return connections;
}
