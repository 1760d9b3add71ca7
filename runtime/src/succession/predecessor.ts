import { setTimeout as sleep } from 'node:timers/promises';
import type { Descriptors } from '@lars/reactor';
import { FrameSplitter, ProtocolError } from '@lars/reactor/number-frames';
import { messageOf, StartupError } from '../errors.ts';
import type { Logger } from '../log.ts';
import {
  decodePredecessorFrame,
  encodeSuccessionFrame,
  type PredecessorFrame,
  SUCCESSION_VERSION,
  type SuccessionService,
  type SuccessorFrame,
} from './frames.ts';

export interface PredecessorPlace {
  /** What this process is, and the other one must be. */
  readonly service: SuccessionService;
  /** Of the socket at which it is asked. */
  readonly path: string;
  /** Aborted when this process is to stop: it takes over no more, or the service would be gone with it. */
  readonly stopping?: AbortSignal | undefined;
}

export interface PredecessorDeps {
  readonly descriptors: Descriptors;
  readonly log: Logger;
}

/** How often it is looked whether something has come. */
const POLL_MS = 2;
/** For how long the other one may say nothing. */
const ANSWER_MS = 5_000;
const HANGS = `it has said nothing for ${ANSWER_MS / 1_000} s, as one that hangs; end it (SIGKILL)`;
const REFUSES =
  'it has closed the connection: another one takes over already, or it ends, or is something else; its log may say more';
const FORBIDDEN = 'only root and the user who runs it may take over';
/** Nobody listens at the path. */
const ABSENT: readonly unknown[] = ['ENOENT', 'ECONNREFUSED'];

/** The process that ran before, seen by the one that takes over from it: it gives its listening descriptors, then what was accepted there and nobody has served. */
export class Predecessor {
  readonly #descriptors: Descriptors;
  readonly #log: Logger;
  readonly #socket: number;
  readonly #stopping: AbortSignal | undefined;
  readonly #splitter = new FrameSplitter();
  readonly #frames: PredecessorFrame[] = [];
  readonly #fds: number[] = [];
  /** It has closed the connection. */
  #hasEnded = false;
  #isGone = false;

  private constructor({ descriptors, log }: PredecessorDeps, socket: number, stopping: AbortSignal | undefined) {
    this.#stopping = stopping;
    this.#descriptors = descriptors;
    this.#log = log;
    this.#socket = socket;
  }

  /**
   * Asks the process at this path for its listeners.
   * @returns undefined when nobody is there; else it and its listening descriptors, that of the path itself first
   * @throws {StartupError} when it does not give them, or is another user's
   */
  static async meet(
    deps: PredecessorDeps,
    { service, path, stopping }: PredecessorPlace,
  ): Promise<{ readonly predecessor: Predecessor; readonly fds: readonly number[] } | undefined> {
    const { descriptors } = deps;
    const socket = connect(descriptors, service, path);
    if (socket === undefined) return undefined;
    const predecessor = new Predecessor(deps, socket, stopping);
    try {
      const { user } = descriptors.remoteProcess(socket);
      const own = process.getuid?.();
      if (user !== own && user !== 0 && own !== 0) throw new ProtocolError(`it is user ${user}'s`);
      predecessor.#say({ kind: 'succeed', version: SUCCESSION_VERSION, service });
      const fds: number[] = [];
      for (;;) {
        const frame = await predecessor.#next(ANSWER_MS);
        if (frame?.kind !== 'offer') throw new ProtocolError(predecessor.#hasEnded ? REFUSES : HANGS);
        if (frame.count === 0) return { predecessor, fds };
        fds.push(...predecessor.#take(frame.count));
      }
    } catch (error) {
      predecessor.close();
      throw new StartupError('TAKEOVER', `the ${service} at ${path} does not hand over: ${messageOf(error)}`, { cause: error });
    }
  }

  /**
   * Says what is taken, and waits until the other one accepts no more, or is gone.
   * @param claims places among its listeners, from 0
   * @returns how often systemd wants a sign of life of the other one, and now of this one, ms; undefined where it does not
   * @throws {StartupError} when this process is to stop: the other one goes on then
   */
  async release(claims: readonly number[]): Promise<number | undefined> {
    if (this.isForbidden) throw new StartupError('STOPPED', 'nothing is taken over: the process before goes on');
    for (const number of claims) this.#say({ kind: 'claim', number });
    this.#say({ kind: 'ready' });
    const frame = await this.#next(ANSWER_MS);
    if (frame?.kind !== 'released') {
      if (this.#hasEnded) this.#log.warn('the process before has ended before it had handed over: this one goes on alone');
      else this.#log.error(`the process before does not hand over: ${HANGS}. This one accepts`);
      return undefined;
    }
    this.#log.info('taken over from the process before');
    return frame.watchdogMs > 0 ? frame.watchdogMs : undefined;
  }

  /** This process is to stop, and may take over no more. */
  get isForbidden(): boolean {
    return this.#stopping?.aborted ?? false;
  }

  /** Takes what nobody has served, until the other one has ended the connection. Never rejects. */
  async takeRest(onConnection: (fd: number, listener: number) => void, onEnough: () => void): Promise<void> {
    try {
      for (;;) {
        const frame = await this.#next(Number.POSITIVE_INFINITY);
        if (frame?.kind !== 'rest') return;
        for (const fd of this.#take(frame.count)) onConnection(fd, frame.listener);
        onEnough();
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (!this.#isGone) this.#descriptors.close(this.#socket);
    this.#isGone = true;
    for (const fd of this.#fds.splice(0)) this.#descriptors.close(fd);
  }

  #say(frame: SuccessorFrame): void {
    if (!this.#isGone) this.#descriptors.sendBytes(this.#socket, encodeSuccessionFrame(frame));
  }

  /** Descriptors come with the frame that counts them. Fewer are here when this process may not have more open. */
  #take(count: number): readonly number[] {
    return this.#fds.splice(0, count);
  }

  /** @returns undefined when it is gone, says what cannot be, or says nothing for so long */
  async #next(withinMs: number): Promise<PredecessorFrame | undefined> {
    for (let waitedMs = 0; waitedMs <= withinMs; waitedMs += POLL_MS) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#isGone) return undefined;
      const received = this.#descriptors.receive(this.#socket);
      if (received.kind === 'message') {
        this.#fds.push(...received.fds);
        this.#splitter.push(received.bytes, bytes => this.#frames.push(decodePredecessorFrame(bytes)));
      } else if (received.kind === 'gone') {
        this.#hasEnded = true;
        return undefined;
      } else await sleep(POLL_MS);
    }
    return undefined;
  }
}

function connect(descriptors: Descriptors, service: SuccessionService, path: string): number | undefined {
  try {
    return descriptors.connect(path);
  } catch (error) {
    if (ABSENT.includes((error as NodeJS.ErrnoException).code)) return undefined;
    const why = (error as NodeJS.ErrnoException).code === 'EACCES' ? FORBIDDEN : messageOf(error);
    throw new StartupError('TAKEOVER', `the ${service} at ${path} cannot be reached: ${why}`, { cause: error });
  }
}

/** Why a place is taken, of a process that was to take over and has met nobody. @param path of the socket at which it has asked */
export function withoutPredecessor(error: unknown, path: string): unknown {
  if (!(error instanceof StartupError) || error.code !== 'EADDRINUSE') return error;
  const hint = `nobody answers at ${path}, so nothing was taken over`;
  return new StartupError(error.code, `${error.message} (${hint})`, { cause: error });
}
