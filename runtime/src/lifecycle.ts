import { isatty } from 'node:tty';
import { reloadConfigs } from './config/reload.ts';
import { messageOf } from './errors.ts';
import { exposureWarning } from './exposure.ts';
import type { Logger } from './log.ts';

/** A running part of the system, which can be stopped and reports when it cannot go on. */
export interface Service {
  readonly name: string;
  /** Where its datagrams come in, if it takes any. */
  readonly ip?: string;
  /** Only some of the machines that reach it are answered. */
  readonly hasAllowList?: boolean;
  /** Resolves with the reason when the service has ended by itself; never rejects. */
  readonly failed: Promise<Error>;
  /** How long `stop` may take, where that is longer than STOP_DEADLINE_MS. */
  readonly stopDeadlineMs?: number;
  /** Stops the service, which finishes its work; safe to call twice. */
  stop(): Promise<void>;
}

export const STOP_DEADLINE_MS = 2_000;

/** A process that npm started gets one Ctrl-C twice: from the terminal, and from npm. The second does not mean impatience. */
const SAME_SIGNAL_MS = 500;

/**
 * Runs until SIGINT or SIGTERM, or until a service fails; meanwhile SIGHUP reloads the conf files. Then it stops the services one
 * after the other in the order given, all within STOP_DEADLINE_MS, or what the most patient of them wants. Another signal,
 * SAME_SIGNAL_MS later, ends the wait; a service that fails to stop does not keep the
 * others from stopping.
 * @returns the exit code: 0 after a signal, 1 after a failure or when stopping failed or took too long
 */
export async function runUntilStopped(services: readonly Service[], log: Logger): Promise<number> {
  const signals = catchSignals(log);
  for (const { ip = '127.0.0.1', hasAllowList = false } of services) {
    const warning = hasAllowList ? undefined : exposureWarning(ip, '[udp] ip', '[udp] allow');
    if (warning !== undefined) log.warn(warning);
  }
  const failure = Promise.race(services.map(service => service.failed.then(error => ({ service, error }))));
  const end = await Promise.race([signals.next(), failure]);
  if (typeof end === 'string') log.info(`${end}: stopping`);
  else log.error(`${end.service.name} cannot go on: ${end.error.message}`);
  const impatience = deadline(SAME_SIGNAL_MS).then(() => signals.next());
  const deadlineMs = Math.max(...services.map(({ stopDeadlineMs }) => stopDeadlineMs ?? STOP_DEADLINE_MS));
  const tooLong = deadline(deadlineMs).then(() => `not stopped within ${deadlineMs} ms`);
  const stopped = await Promise.race([stopAll(services, log), impatience.then(again => `${again} again`), tooLong]);
  if (typeof stopped === 'string') log.error(`${stopped}: exiting before everything was stopped`);
  signals.release();
  return typeof end === 'string' && stopped === true ? 0 : 1;
}

/** @returns whether each of them stopped without an error */
async function stopAll(services: readonly Service[], log: Logger): Promise<boolean> {
  let well = true;
  for (const service of services) {
    try {
      await service.stop();
    } catch (error) {
      well = false;
      log.error(`${service.name} did not stop cleanly`, { error: messageOf(error) });
    }
  }
  return well;
}

interface Signals {
  /** Resolves with the next signal; signals that came before and were not awaited are forgotten. */
  next(): Promise<NodeJS.Signals>;
  release(): void;
}

/** From now on none of these signals ends the process by itself. */
function catchSignals(log: Logger): Signals {
  let waiting: (signal: NodeJS.Signals) => void = () => undefined;
  const onEnd = (signal: NodeJS.Signals) => waiting(signal);
  const isOnTerminal = process.stderr.isTTY === true;
  const onHangUp = () => {
    // The same signal says that the terminal is gone. Who started the process there wants it no more.
    if (isOnTerminal && !isatty(STDERR)) waiting('SIGHUP');
    else {
      log.info('SIGHUP: reloading the conf');
      reloadConfigs(log);
    }
  };
  // By default Node opens a debugger's port at SIGUSR1, and SIGUSR2 ends the process.
  const onUnused = (signal: NodeJS.Signals) => log.info(`${signal}: does nothing here`);
  const handlers: readonly (readonly [NodeJS.Signals, (signal: NodeJS.Signals) => void])[] = [
    ['SIGINT', onEnd],
    ['SIGTERM', onEnd],
    ['SIGHUP', onHangUp],
    ['SIGUSR1', onUnused],
    ['SIGUSR2', onUnused],
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    next: () =>
      new Promise(resolve => {
        waiting = resolve;
      }),
    release: () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}

const STDERR = 2;

function deadline(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms).unref();
  });
}
