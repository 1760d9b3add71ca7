import { type Connection, type Descriptors, type Engine, type EngineTimer, MESSAGE_MAX } from '@lars/reactor';
import { ProtocolError } from '@lars/reactor/number-frames';
import { decodeSuccessorFrame, encodeSuccessionFrame, type SuccessionService } from './frames.ts';

export interface SuccessionOptions {
  /** What this process is. */
  readonly service: SuccessionService;
  /** Of the connection. */
  readonly fd: number;
}

export interface SuccessionDeps {
  readonly engine: Engine;
  /** On which it has asked. */
  readonly connection: Connection;
  readonly descriptors: Descriptors;
  /** What it is offered: listening descriptors, that of the socket at which it has asked first. */
  readonly offers: () => readonly number[];
  /** The successor is ready: it has those of the offered listeners. */
  readonly onReady: (claimed: ReadonlySet<number>) => void;
  /** It went before it was ready. */
  readonly onAbandoned: () => void;
}

/** For how long a process that takes over may get ready. */
const READY_MS = 300_000;

/** The process that takes over from this one, seen from here. */
export class Succession {
  /** Its id. */
  readonly pid: number;
  readonly #service: SuccessionService;
  readonly #deps: SuccessionDeps;
  readonly #fd: number;
  readonly #late: EngineTimer;
  readonly #claimed = new Set<number>();
  #hasBegun = false;
  #isReady = false;

  /** @throws {ProtocolError} when it is another user's, who may be a worker here, and no more */
  constructor({ service, fd }: SuccessionOptions, deps: SuccessionDeps) {
    const { user, pid } = deps.descriptors.remoteProcess(fd);
    if (user !== 0 && user !== process.getuid?.()) throw new ProtocolError(`user ${user} may not take over`);
    this.pid = pid;
    this.#service = service;
    this.#deps = deps;
    this.#fd = fd;
    this.#late = deps.engine.after(READY_MS, () => deps.connection.destroy());
  }

  /** @param bytes of a frame; the first is succeed. @throws {ProtocolError} */
  onFrame(bytes: Uint8Array): void {
    const frame = decodeSuccessorFrame(bytes);
    if (this.#isReady) throw new ProtocolError('it says something after ready');
    if (frame.kind === 'succeed') {
      if (this.#hasBegun) throw new ProtocolError('it says succeed twice');
      if (frame.service !== this.#service)
        throw new ProtocolError(`a ${frame.service} does not take over from a ${this.#service}`);
      this.#hasBegun = true;
      this.#offer(this.#deps.offers());
    } else if (frame.kind === 'claim') this.#claimed.add(frame.number);
    else {
      this.#isReady = true;
      this.#late.cancel();
      this.#deps.onReady(this.#claimed);
    }
  }

  onClosed(): void {
    this.#late.cancel();
    if (!this.#isReady) this.#deps.onAbandoned();
  }

  get isOpen(): boolean {
    return this.#deps.connection.isOpen;
  }

  /** It is alone now. @param watchdogMs systemd wants a sign of life so often; 0 = none */
  release(watchdogMs: number): void {
    this.#deps.connection.write(encodeSuccessionFrame({ kind: 'released', watchdogMs }));
  }

  /** @returns whether it has the connection now; false when it cannot take any at the moment */
  give({ fd, listener }: { readonly fd: number; readonly listener: number }): boolean {
    if (!this.#deps.connection.isOpen) return false;
    const frame = encodeSuccessionFrame({ kind: 'rest', count: 1, listener });
    return this.#deps.descriptors.send(this.#fd, [fd], frame) === 'sent';
  }

  /** What was written is read by the successor still. */
  close(): void {
    this.#deps.connection.destroy();
  }

  #offer(fds: readonly number[]): void {
    for (let at = 0; at < fds.length; at += MESSAGE_MAX) {
      const part = fds.slice(at, at + MESSAGE_MAX);
      this.#deps.descriptors.send(this.#fd, part, encodeSuccessionFrame({ kind: 'offer', count: part.length }));
    }
    this.#deps.connection.write(encodeSuccessionFrame({ kind: 'offer', count: 0 }));
  }
}
