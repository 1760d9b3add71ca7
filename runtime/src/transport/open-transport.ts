import { messageOf, StartupError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { NetTransport } from './net-transport.ts';
import type { TcpEngine, TcpTransport } from './tcp-transport.ts';

export interface TransportOptions {
  /** auto: epoll, or node:net where that does not run. */
  readonly engine: TcpEngine;
  /** Named when the engine cannot be had. */
  readonly confKey: string;
  /** TLS stands on sockets of node:net, and so does what asks for a token. */
  readonly isSecured: boolean;
}

/**
 * What serves the TCP connections of this thread.
 * @throws {StartupError} when an engine was asked for that cannot be had
 */
export async function openTransport({ engine, confKey, isSecured }: TransportOptions, log: Logger): Promise<TcpTransport> {
  if (engine === 'node') return new NetTransport();
  if (isSecured && engine === 'auto') return new NetTransport('node:net, because links that [security] protects stand on it');
  if (isSecured) {
    throw new StartupError('TCP_ENGINE', `${confKey} is ${engine}, but links that [security] protects run on node alone`);
  }
  const [{ leaseEngine }, { EngineTransport }] = await Promise.all([
    import('./thread-engine.ts'),
    import('./engine-transport.ts'),
  ]);
  try {
    const lease = await leaseEngine(engine, log);
    if (lease.engine.kind !== 'node') return new EngineTransport(lease.engine, lease.release);
    // It would be a layer more above the same sockets.
    await lease.release();
    return new NetTransport(lease.engine.reason);
  } catch (cause) {
    throw new StartupError('TCP_ENGINE', `${confKey} is ${engine}: ${messageOf(cause)}`, { cause });
  }
}
