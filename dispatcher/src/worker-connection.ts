import { type DispatcherFrame, decodeWorkerFrame, encodeFrame } from '@lars/dispatch/protocol';
import { StatusView } from '@lars/dispatch/shared-status';
import {
  type Connection,
  type Descriptors,
  type Engine,
  type EngineTimer,
  MESSAGE_MAX,
  type SendOutcome,
  type SharedPage,
} from '@lars/reactor';
import { FrameSplitter, ProtocolError } from '@lars/reactor/number-frames';
import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { isSucceed } from '@lars/runtime/succession/frames';
import type { Succession } from '@lars/runtime/succession/succession';
import type { WorkerPool } from './worker-pool.ts';
import type { ControlPort, DescriptorPort, WorkerSession } from './worker-session.ts';

export interface WorkerConnectionDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly pool: WorkerPool;
  readonly log: Logger;
  readonly nowMs: () => number;
  /** It was closed because it did not keep to the protocol, or said nothing. */
  readonly onRefused: () => void;
  /** Something has changed that may have a time limit. */
  readonly onChange: () => void;
  readonly onClosed: (connection: WorkerConnection) => void;
  /** It is no worker, but a dispatcher that wants to take over. @throws {ProtocolError} when it may not */
  readonly onSuccessor: (connection: Connection, fd: number) => Succession;
}

const LOOK = encodeFrame({ kind: 'look' });
/** From connecting to the first frame. */
const FIRST_FRAME_MS = 5_000;

/** What a connection on the workers' socket has turned out to be. */
type Role =
  | { readonly kind: 'unknown' | 'refused' }
  | { readonly kind: 'successor'; readonly succession: Succession }
  | { readonly kind: 'control' | 'descriptors'; readonly session: WorkerSession };

/** One connection of a worker: the first one, on which frames travel, or the second one, on which descriptors do. Its first frame tells which. */
export class WorkerConnection implements ControlPort, DescriptorPort {
  readonly messageMax = MESSAGE_MAX;
  readonly #deps: WorkerConnectionDeps;
  /** The engine owns it; it is good for system calls while the connection is open. */
  readonly #fd: number;
  readonly #connection: Connection;
  readonly #splitter = new FrameSplitter();
  readonly #silence: EngineTimer;
  #role: Role = { kind: 'unknown' };
  #page: SharedPage | undefined;

  /** @param accepted not started yet */
  constructor(deps: WorkerConnectionDeps, accepted: Connection) {
    this.#deps = deps;
    this.#fd = accepted.detach().fd;
    this.#connection = deps.engine.adopt(this.#fd, { isAcceptedHere: true, isWrittenWhole: true });
    this.#silence = deps.engine.after(FIRST_FRAME_MS, () => this.#connection.destroy());
    this.#connection.start({
      onData: (_, bytes) => this.#onData(bytes),
      onEnd: connection => connection.destroy(),
      onClose: () => this.#onClose(),
    });
  }

  sendFrames(...frames: DispatcherFrame[]): void {
    const [first] = frames;
    if (first?.kind === 'look' && frames.length === 1) this.#sendLook();
    // A worker that reads nothing is none.
    else if (!this.#connection.write(Buffer.concat(frames.map(encodeFrame)))) this.#connection.destroy();
  }

  /** Where there is no room for it, hundreds are there that the worker has not read: it is busy with what the first of them told, and looks again after this. */
  #sendLook(): void {
    if (this.#connection.isOpen) this.#deps.descriptors.sendBytes(this.#fd, LOOK);
  }

  sendDescriptors(fds: readonly number[], bytes: readonly number[]): SendOutcome {
    return this.#connection.isOpen ? this.#deps.descriptors.send(this.#fd, fds, bytes) : 'gone';
  }

  shareStatus(open: number): StatusView {
    const { descriptors } = this.#deps;
    try {
      const { page, fd } = descriptors.createPage();
      this.#page = page;
      const outcome = this.sendDescriptors([fd], [0]);
      descriptors.close(fd);
      if (outcome !== 'sent') throw new Error(`the second connection is ${outcome}`);
      return new StatusView(page, open);
    } catch (error) {
      this.#page?.close();
      throw new ProtocolError(`no memory can be shared with it: ${messageOf(error)}`);
    }
  }

  shutdown(): void {
    if (this.#connection.isOpen) this.#deps.descriptors.shutdown(this.#fd);
  }

  close(): void {
    this.#page?.close();
    this.#connection.destroy();
  }

  #onData(bytes: Uint8Array): void {
    try {
      this.#splitter.push(bytes, frame => this.#onFrame(frame));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.refuse(error);
    }
    this.#deps.onChange();
  }

  #onFrame(bytes: Uint8Array): void {
    const { pool, nowMs } = this.#deps;
    const role = this.#role;
    if (role.kind === 'refused') return;
    if (role.kind === 'successor') {
      role.succession.onFrame(bytes);
      return;
    }
    if (role.kind === 'unknown' && isSucceed(bytes)) {
      this.#succeed(bytes);
      return;
    }
    const frame = decodeWorkerFrame(bytes);
    if (role.kind === 'control') pool.onFrame(role.session, frame, nowMs());
    else if (role.kind === 'descriptors') throw new ProtocolError('nothing comes on the second connection after attach');
    else if (frame.kind === 'attach') this.#attach(frame.session);
    else if (frame.kind === 'hello') this.#greet(frame);
    else throw new ProtocolError(`the first frame is ${frame.kind}, and must be hello or attach`);
  }

  #greet(frame: Parameters<WorkerPool['onFrame']>[1]): void {
    const { pool, nowMs } = this.#deps;
    this.#silence.cancel();
    const session = pool.connect(this, nowMs());
    if (session === undefined) throw new ProtocolError('there are too many workers');
    this.#role = { kind: 'control', session };
    pool.onFrame(session, frame, nowMs());
  }

  #attach(id: number): void {
    this.#silence.cancel();
    this.#role = { kind: 'descriptors', session: this.#deps.pool.onAttach(id, this, this.#deps.nowMs()) };
  }

  #succeed(bytes: Uint8Array): void {
    this.#silence.cancel();
    const succession = this.#deps.onSuccessor(this.#connection, this.#fd);
    this.#role = { kind: 'successor', succession };
    succession.onFrame(bytes);
  }

  refuse(error: ProtocolError): void {
    const role = this.#role;
    this.#deps.log.warn('a worker does not keep to the protocol, and is closed', { error: error.message });
    this.#role = { kind: 'refused' };
    this.#connection.destroy();
    if ('session' in role) this.#deps.pool.onGone(role.session, 'refused', this.#deps.nowMs());
    else this.#deps.onRefused();
    if ('succession' in role) role.succession.onClosed();
  }

  #onClose(): void {
    const role = this.#role;
    this.#silence.cancel();
    if (role.kind === 'control') this.#deps.pool.onGone(role.session, 'ended', this.#deps.nowMs());
    else if (role.kind === 'descriptors') role.session.control.shutdown();
    else if (role.kind === 'successor') role.succession.onClosed();
    else if (role.kind === 'unknown') this.#deps.onRefused();
    this.#deps.onClosed(this);
    this.#deps.onChange();
  }
}
