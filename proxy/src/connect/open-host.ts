import type { Connection, ConnectOptions, Engine } from '@lars/reactor';

export type OpenResult =
  /** It reads nothing yet, so that nothing of what the host says first is lost. */
  | { readonly kind: 'open'; readonly connection: Connection }
  /** The host, or the way to it. */
  | { readonly kind: 'failed'; readonly isTimeout: boolean; readonly problem: string }
  /** This process or machine has run out of something: no host is to blame. */
  | { readonly kind: 'exhausted'; readonly problem: string }
  /** `abandon` was called. */
  | { readonly kind: 'abandoned' };

export interface Opening {
  readonly result: Promise<OpenResult>;
  /** The connection is not wanted any more. */
  abandon(): void;
}

/** Open files, memory and local ports are this machine's. */
const OWN_LIMITS: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL', 'EAGAIN']);

/** Connects. What comes after the time limit is closed by the engine. */
export function openHost(engine: Engine, options: ConnectOptions): Opening {
  const { promise, resolve } = Promise.withResolvers<OpenResult>();
  let isAbandoned = false;
  const failed = (error: Error | undefined, isTimeout = false): OpenResult => {
    const problem = error?.message ?? 'it was closed at once';
    return OWN_LIMITS.has((error as NodeJS.ErrnoException | undefined)?.code)
      ? { kind: 'exhausted', problem }
      : { kind: 'failed', isTimeout, problem };
  };
  let connection: Connection | undefined;
  try {
    connection = engine.connect(options, {
      onConnect: connected => {
        connected.pause();
        resolve({ kind: 'open', connection: connected });
      },
      // The one who asked has paused it, and gives it to a relay, which reads.
      onData: () => undefined,
      onClose: (_, reason, error) => resolve(isAbandoned ? { kind: 'abandoned' } : failed(error, reason === 'connect_timeout')),
    });
  } catch (error) {
    resolve(failed(error as Error));
  }
  return {
    result: promise,
    abandon: () => {
      isAbandoned = true;
      connection?.destroy();
    },
  };
}
