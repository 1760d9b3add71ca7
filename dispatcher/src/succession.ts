import { encodeFrame, ProtocolError, type WorkerFrame } from '@lars/dispatch/protocol';
import { type Connection, type Descriptors, MESSAGE_MAX } from '@lars/reactor';
import type { Accepted } from './worker-account.ts';

export interface SuccessionDeps {
  readonly descriptors: Descriptors;
  /** The successor is ready: it has those of the offered listeners. */
  readonly onReady: (claimed: ReadonlySet<number>) => void;
  /** It went before it was ready. */
  readonly onAbandoned: () => void;
}

/** A dispatcher that takes over from this one, seen from here. */
export class Succession {
  readonly #deps: SuccessionDeps;
  readonly #connection: Connection;
  readonly #fd: number;
  readonly #claimed = new Set<number>();
  #isReady = false;

  /** @throws {ProtocolError} when it is another user's, who may be a worker here, and no more */
  constructor(deps: SuccessionDeps, connection: Connection, fd: number) {
    const user = deps.descriptors.remoteUser(fd);
    if (user !== 0 && user !== process.getuid?.()) throw new ProtocolError(`user ${user} may not take over`);
    this.#deps = deps;
    this.#connection = connection;
    this.#fd = fd;
  }

  /** @param fds listening descriptors, the workers' socket first */
  offer(fds: readonly number[]): void {
    for (let at = 0; at < fds.length; at += MESSAGE_MAX) {
      const part = fds.slice(at, at + MESSAGE_MAX);
      this.#deps.descriptors.send(this.#fd, part, encodeFrame({ kind: 'offer', count: part.length }));
    }
    this.#connection.write(encodeFrame({ kind: 'offer', count: 0 }));
  }

  /** @throws {ProtocolError} */
  onFrame(frame: WorkerFrame): void {
    if (this.#isReady) throw new ProtocolError('it says something after ready');
    if (frame.kind === 'claim') this.#claimed.add(frame.number);
    else if (frame.kind === 'ready') {
      this.#isReady = true;
      this.#deps.onReady(this.#claimed);
    } else throw new ProtocolError(`${frame.kind} is nothing for a dispatcher that takes over to say`);
  }

  onClosed(): void {
    if (!this.#isReady) this.#deps.onAbandoned();
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  release(): void {
    this.#connection.write(encodeFrame({ kind: 'released' }));
  }

  /** @returns whether it has the connection now; false when it cannot take any at the moment */
  give({ fd, listener }: Accepted): boolean {
    if (!this.#connection.isOpen) return false;
    return this.#deps.descriptors.send(this.#fd, [fd], encodeFrame({ kind: 'rest', count: 1, listener })) === 'sent';
  }

  /** What was written is read by the successor still. */
  close(): void {
    this.#connection.destroy();
  }
}
