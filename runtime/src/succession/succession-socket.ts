import { type Connection, type Descriptors, type Engine, type Listener, SocketFile } from '@lars/reactor';
import { FrameSplitter, ProtocolError } from '@lars/reactor/number-frames';
import { listenOnPath } from '../listen-on-path.ts';
import type { Logger } from '../log.ts';
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
  #listener: Listener | undefined;
  #file: SocketFile | undefined;
  #succession: Succession | undefined;

  private constructor(options: SuccessionSocketOptions, deps: SuccessionSocketDeps) {
    this.#options = options;
    this.#deps = deps;
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
    const onAccept = (accepted: Connection) => socket.#onAccept(accepted);
    if (fd === undefined) {
      const { path, name } = options;
      socket.#listener = await listenOnPath({ path, name, mode: MODE, backlog: BACKLOG }, place =>
        deps.engine.listen(place, onAccept),
      );
    } else {
      socket.#listener = await deps.engine.listen({ fd }, onAccept);
      socket.#listener.pause();
    }
    socket.#file = new SocketFile(options.path);
    return socket;
  }

  resume(): void {
    this.#listener?.resume();
  }

  /** It is another process's now, with what waits in its queue. */
  leave(): void {
    if (this.#listener !== undefined) this.#deps.descriptors.close(this.#listener.detach());
    this.#listener = undefined;
  }

  async close(): Promise<void> {
    if (this.#listener === undefined) return;
    // The engine does not know of an inherited one's file.
    this.#file?.remove();
    await this.#listener.close();
    this.#listener = undefined;
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
        offers: () => [this.#listener?.fd ?? -1, ...offers()],
        onReady: claimed => onReady(succession, claimed),
        onAbandoned: () => {
          this.#succession = undefined;
          this.#listener?.resume();
          log.warn('the process that was to take over went away: this one goes on');
        },
      },
    );
    this.#succession = succession;
    this.#listener?.pause();
    return succession;
  }
}
