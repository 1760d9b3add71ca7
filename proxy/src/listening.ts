import { createEngine, type Descriptors, type Engine, type EngineKind, loadDescriptors, RELAY_ENGINES } from '@lars/reactor';
import type { Clock } from '@lars/runtime/clock';
import { StartupError } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { Predecessor, withoutPredecessor } from '@lars/runtime/succession/predecessor';
import type { Succession } from '@lars/runtime/succession/succession';
import { SuccessionSocket } from '@lars/runtime/succession/succession-socket';
import type { Cores } from './cores.ts';
import { ListenerFiles } from './listen/listener-files.ts';
import type { ListenerRules } from './listen/listener-rules.ts';
import { ListeningSockets } from './listen/listening-sockets.ts';

export interface ListeningOptions {
  readonly engine: EngineKind | 'auto';
  readonly threads: number;
  /** Where a successor asks; undefined: nobody can take over. */
  readonly takeoverPath: string | undefined;
  readonly takesOver: boolean;
  readonly inheritedFds: readonly number[];
  /** Aborted when the process is to stop: it takes over from nobody any more. */
  readonly stopping?: AbortSignal | undefined;
}

export interface ListeningDeps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Another process has those of the sockets, and accepts. */
  readonly onSuccessor: (succession: Succession, claimed: ReadonlySet<number>) => void;
}

/** What the process listens to, from whom it has that, and who may have it next. */
export class Listening {
  /** Of this thread: that of the one core, where there is one. */
  readonly engine: Engine;
  readonly descriptors: Descriptors;
  readonly sockets: ListeningSockets;
  readonly #log: Logger;
  readonly #socket: SuccessionSocket | undefined;
  #files: ListenerFiles | undefined;
  /** Until it has released what it listens to. */
  #predecessor: Predecessor | undefined;

  private constructor(
    { engine, descriptors, log }: { readonly engine: Engine; readonly descriptors: Descriptors; readonly log: Logger },
    sockets: ListeningSockets,
    socket: SuccessionSocket | undefined,
    predecessor: Predecessor | undefined,
  ) {
    this.engine = engine;
    this.descriptors = descriptors;
    this.#log = log;
    this.sockets = sockets;
    this.#socket = socket;
    this.#predecessor = predecessor;
  }

  /**
   * Opens all places, or gets them from the process before this one. Nothing is accepted yet.
   * @returns undefined where sockets cannot be passed: on node:net
   * @throws {StartupError} when a place is taken, or another process is to be taken over from and does not hand over
   */
  static async open(
    rules: readonly ListenerRules[],
    { engine: kind, threads, takeoverPath, takesOver, inheritedFds, stopping }: ListeningOptions,
    { log, clock, onSuccessor }: ListeningDeps,
  ): Promise<Listening | undefined> {
    if (takesOver && takeoverPath === undefined) {
      throw new StartupError('TAKEOVER', '--takeover: conf key [proxy] takeover_socket says where, and is empty');
    }
    const unavailable = (why: string): undefined => {
      if (takesOver) throw new StartupError('UNAVAILABLE', `--takeover: sockets cannot be passed here: ${why}`);
      if (inheritedFds.length > 0) throw new StartupError('UNAVAILABLE', `sockets of systemd cannot be used here: ${why}`);
      if (takeoverPath !== undefined) log.warn('no other process can take over: sockets cannot be passed here', { why });
    };
    const outcome = await loadDescriptors();
    if (kind === 'node' || 'unavailable' in outcome)
      return unavailable('unavailable' in outcome ? outcome.unavailable : 'engine = node');
    const { descriptors } = outcome;
    // With several threads, this one serves nobody, and says nothing of its engine.
    const isAlone = threads === 1;
    const served = kind === 'auto' ? RELAY_ENGINES : kind;
    const engine = await createEngine(
      { kind: isAlone ? served : 'auto' },
      { ...(isAlone ? { log } : {}), nowMs: () => clock.monotonicMs() },
    );
    if (engine.kind === 'node') return unavailable(engine.reason);
    const met =
      takesOver && takeoverPath !== undefined
        ? await Predecessor.meet({ descriptors, log }, { service: 'proxy', path: takeoverPath, stopping })
        : undefined;
    const [socketFd, ...fds] = met?.fds ?? [];
    let sockets: ListeningSockets | undefined;
    try {
      const options = { threads, inheritedFds: met === undefined ? inheritedFds : fds, ownsInheritedPaths: met !== undefined };
      const opened = await ListeningSockets.open(rules, options, { engine, descriptors, log });
      sockets = opened;
      const socket =
        takeoverPath === undefined
          ? undefined
          : await SuccessionSocket.open(
              { service: 'proxy', path: takeoverPath, name: 'conf key [proxy] takeover_socket: UNIX socket' },
              { engine, descriptors, log, offers: () => opened.fds, onReady: onSuccessor },
              socketFd,
            );
      return new Listening({ engine, descriptors, log }, opened, socket, met?.predecessor);
    } catch (error) {
      sockets?.abandon();
      if (socketFd !== undefined) descriptors.close(socketFd);
      met?.predecessor.close();
      await engine.close();
      throw takesOver && met === undefined ? withoutPredecessor(error, takeoverPath ?? '') : error;
    }
  }

  get hasPredecessor(): boolean {
    return this.#predecessor !== undefined;
  }

  /**
   * All is accepted here: the process before this one is told to accept no more.
   * @param cores which accept
   * @returns how often systemd wants a sign of life, where the process before has said so
   */
  async begin(cores: Cores): Promise<number | undefined> {
    const watchdogMs = await this.#predecessor?.release(this.sockets.claims);
    this.#predecessor?.close();
    this.#predecessor = undefined;
    this.#socket?.resume();
    const isOffering = () => this.#socket?.isOffering ?? false;
    this.#files = new ListenerFiles({ engine: this.engine, log: this.#log, sockets: this.sockets, cores, isOffering });
    return watchdogMs;
  }

  /** Leaves to a successor what it has claimed. The cores close the rest when they stop. */
  async leave(cores: Cores | undefined, claimed: ReadonlySet<number>): Promise<void> {
    this.#files?.stop();
    await cores?.leave(claimed);
    this.sockets.close(claimed);
    this.#socket?.leave();
  }

  /** Nothing is accepted any more, but for what waits: that the cores accept when they stop. */
  async close(cores: Cores | undefined): Promise<void> {
    this.#files?.stop();
    if (this.#predecessor === undefined) {
      // Who is about to take over has the sockets already, and is left their files.
      this.sockets.close(this.#socket?.isOffering ? new Set(this.sockets.fds.keys()) : undefined);
      await this.#socket?.close();
      return;
    }
    // The process before this one has not released what it listens to, and goes on.
    await cores?.leave(new Set(this.sockets.fds.keys()));
    this.sockets.abandon();
    this.#socket?.leave();
    this.#predecessor.close();
  }
}
