import { isatty } from 'node:tty';
import { reloadConfigs } from './config/reload.ts';
import type { Logger } from './log.ts';

const STDERR = 2;

/**
 * The signals of a process that runs services: from the moment in which this is made until `release`, none of them ends the process by
 * itself. To be made before anything is opened or written, so that a signal finds the process either without anything to clean up, or
 * able to.
 */
export class ProcessSignals {
  /** Is told before and after the conf files are read again. */
  reloadObserver: { reloading(): void; ready(): void } | undefined;
  /** Is told what a signal did. Before there is one, SIGHUP has nothing to reload. */
  log: Logger | undefined;
  readonly #stopping = new AbortController();
  readonly #isOnTerminal = process.stderr.isTTY === true;
  readonly #first = Promise.withResolvers<NodeJS.Signals>();
  #waiting: ((signal: NodeJS.Signals) => void)[] = [];
  readonly #handlers: readonly (readonly [NodeJS.Signals, (signal: NodeJS.Signals) => void])[] = [
    ['SIGINT', signal => this.#onEnd(signal)],
    ['SIGTERM', signal => this.#onEnd(signal)],
    ['SIGHUP', () => this.#onHangUp()],
    // By default Node opens a debugger's port at SIGUSR1, and SIGUSR2 ends the process.
    ['SIGUSR1', signal => this.log?.info(`${signal}: does nothing here`)],
    ['SIGUSR2', signal => this.log?.info(`${signal}: does nothing here`)],
  ];

  constructor() {
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  /** Aborted by the first signal that wants the process to end; the reason is its name. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Resolves with the first signal that wants the process to end, also when that has come already. */
  first(): Promise<NodeJS.Signals> {
    return this.#first.promise;
  }

  /** Resolves with the next such signal; those that came before and were not awaited are forgotten. */
  next(): Promise<NodeJS.Signals> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  release(): void {
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }

  #onEnd(signal: NodeJS.Signals): void {
    for (const resolve of this.#waiting.splice(0)) resolve(signal);
    this.#first.resolve(signal);
    this.#stopping.abort(signal);
  }

  #onHangUp(): void {
    // The same signal says that the terminal is gone. Who started the process there wants it no more.
    if (this.#isOnTerminal && !isatty(STDERR)) this.#onEnd('SIGHUP');
    else if (this.log !== undefined) {
      this.log.info('SIGHUP: reloading the conf');
      this.reloadObserver?.reloading();
      reloadConfigs(this.log);
      this.reloadObserver?.ready();
    }
  }
}
