import type { Connection, Descriptors, Engine } from '@lars/reactor';
import { FrameSplitter, ProtocolError } from '@lars/reactor/number-frames';
import type { Logger } from '../log.ts';
import { UnixListener } from '../unix-listener.ts';
import { isSucceed, type SuccessionService } from './frames.ts';
import { Succession } from './succession.ts';

export interface SuccessionSocketOptions {
  readonly service: SuccessionService;
  readonly path: string;
  /** What names the path in errors. */
  readonly name: string;
}

export interface SuccessionSocketDeps {
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly log: Logger;
  /** The listening descriptors that are offered to who takes over. */
  readonly offers: () => readonly number[];
  /** Another process has those of them, and accepts. */
  readonly onReady: (succession: Succession, claimed: ReadonlySet<number>) => void;
}

/** Only its own user, and root, may take over. */
const MODE = 0o600;
const BACKLOG = 16;
const APPLICANTS_MAX = 4;
/** From connecting to the first frame. */
const FIRST_FRAME_MS = 5_000;

/** The UNIX socket at which another process asks for what this one listens to. */
export class SuccessionSocket {
  readonly #options: SuccessionSocketOptions;
  readonly #deps: SuccessionSocketDeps;
  readonly #applicants = new Set<Connection>();
  readonly #listener: UnixListener;
  #succession: Succession | undefined;
  #isClosed = false;

  private constructor(options: SuccessionSocketOptions, deps: SuccessionSocketDeps) {
    this.#options = options;
    this.#deps = deps;
    const { engine, descriptors, log } = deps;
    this.#listener = new UnixListener(
      { ...options, mode: MODE, backlog: BACKLOG, title: 'the takeover socket' },
      { engine, descriptors, log, onConnection: accepted => this.#onAccept(accepted) },
    );
  }

  /**
   * @param fd of the process before this one, from which nothing is accepted before `resume`; undefined: it is opened
   * @throws {StartupError} when another process listens at the path, or it cannot be opened
   */
  static async open(
    options: SuccessionSocketOptions,
    deps: SuccessionSocketDeps,
    fd: number | undefined,
  ): Promise<SuccessionSocket> {
    const socket = new SuccessionSocket(options, deps);
    await socket.#listener.open(fd);
    if (fd !== undefined) socket.#listener.pause();
    return socket;
  }

  resume(): void {
    this.#listener.resume();
  }

  /** A process has been offered what this one listens to, and may have it in a moment. */
  get isOffering(): boolean {
    return this.#succession !== undefined;
  }

  /** It is another process's now, with what waits in its queue. */
  leave(): void {
    this.#listener.leave();
  }

  /** Who is about to take over has the socket already, is left its file, and sees that this process is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.isOffering) this.#listener.leave();
    else await this.#listener.close();
    for (const applicant of this.#applicants) applicant.destroy();
  }

  #onAccept(accepted: Connection): void {
    const { engine } = this.#deps;
    if (this.#applicants.size >= APPLICANTS_MAX) {
      accepted.destroy();
      return;
    }
    const { fd } = accepted.detach();
    const applicant = engine.adopt(fd, { isAcceptedHere: true, isWrittenWhole: true });
    this.#applicants.add(applicant);
    const splitter = new FrameSplitter();
    let succession: Succession | undefined;
    const late = engine.after(FIRST_FRAME_MS, () => applicant.destroy());
    const onFrame = (bytes: Uint8Array): void => {
      if (succession === undefined) {
        late.cancel();
        succession = this.#begin(applicant, fd, bytes);
      }
      succession.onFrame(bytes);
    };
    applicant.start({
      onData: (_, bytes) => {
        try {
          splitter.push(bytes, onFrame);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          this.#deps.log.warn('a process does not take over as one should, and is closed', { error: error.message });
          applicant.destroy();
        }
      },
      onEnd: () => applicant.destroy(),
      onClose: () => {
        late.cancel();
        this.#applicants.delete(applicant);
        succession?.onClosed();
      },
    });
  }

  /** @throws {ProtocolError} when it may not take over */
  #begin(applicant: Connection, fd: number, bytes: Uint8Array): Succession {
    if (!isSucceed(bytes)) throw new ProtocolError('its first frame is another one than succeed');
    if (this.#succession !== undefined) throw new ProtocolError('another one takes over already');
    const { service } = this.#options;
    const { engine, descriptors, offers, onReady, log } = this.#deps;
    const succession: Succession = new Succession(
      { service, fd },
      {
        engine,
        connection: applicant,
        descriptors,
        offers: () => [this.#listener.fd, ...offers()],
        onReady: claimed => onReady(succession, claimed),
        onAbandoned: () => {
          if (this.#isClosed) return;
          this.#succession = undefined;
          this.#listener.resume();
          log.warn('the process that was to take over went away: this one goes on');
        },
      },
    );
    log.info('another process asks to take over', { successor: succession.pid });
    this.#succession = succession;
    this.#listener.pause();
    return succession;
  }
}
