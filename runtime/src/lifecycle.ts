import { messageOf, StartupError } from './errors.ts';
import { exposureWarning } from './exposure.ts';
import type { Logger } from './log.ts';
import { ProcessSignals } from './process-signals.ts';
import type { HandOver } from './succession/hand-over.ts';

/** A running part of the system, which can be stopped and reports when it cannot go on. */
export interface Service {
  readonly name: string;
  /** Where its datagrams come in, if it takes any. */
  readonly ip?: string;
  /** Only some of the machines that reach it are answered. */
  readonly hasAllowList?: boolean;
  /** Resolves with the reason when the service has ended by itself; never rejects. */
  readonly failed: Promise<Error>;
  /** Of those whose place another process may take while they run. */
  readonly handOver?: HandOver;
  /** How long `stop` may take, where that is longer than STOP_DEADLINE_MS. */
  readonly stopDeadlineMs?: number;
  /** Whether the threads behind it give signs of life; for those that notice when one hangs. */
  isAlive?(): boolean;
  /** Stops the service, which finishes its work; safe to call twice. */
  stop(): Promise<void>;
  /** Nobody waits for `stop` any more, and the process exits: ends what would outlive it. */
  abandon?(): void;
}

export const STOP_DEADLINE_MS = 2_000;

/** A process that npm started gets one Ctrl-C twice: from the terminal, and from npm. The second does not mean impatience. */
const SAME_SIGNAL_MS = 500;

/** A start is given up when it has not come to its end so long after a signal. */
const START_DEADLINE_MS = 10_000;

/** What became of a start: what it returned, or the exit code of the process whose start a signal has ended. */
export type Started<T> = { readonly kind: 'started'; readonly result: T } | { readonly kind: 'ended'; readonly exitCode: 0 | 1 };

/**
 * Starts services. After a signal the start does not wait for anything any more, and either fails, or is gone through with: then it is for
 * runUntilStopped to stop what runs. Another signal, SAME_SIGNAL_MS later, ends it at once with exit code 1.
 * @throws what `start` throws, unless that is a StartupError after a signal
 */
export async function startUnlessStopped<T>(
  start: (stopping: AbortSignal) => Promise<T>,
  log: Logger,
  signals: ProcessSignals,
): Promise<Started<T>> {
  signals.log = log;
  let isOver = false;
  const starting = start(signals.stopping).then((result): Started<T> => ({ kind: 'started', result }));
  const givenUp = signals.first().then(async (): Promise<Started<T>> => {
    const tooLong = deadline(START_DEADLINE_MS).then(() => `not ended within ${START_DEADLINE_MS} ms`);
    const why = await Promise.race([impatience(signals), tooLong]);
    if (!isOver) log.error(`${why}: exiting in the middle of the start`);
    return { kind: 'ended', exitCode: 1 };
  });
  try {
    return await Promise.race([starting, givenUp]);
  } catch (error) {
    if (!signals.stopping.aborted || !(error instanceof StartupError)) throw error;
    log.info(`${signals.stopping.reason}: stopped before the start was through`, { error: error.message });
    return { kind: 'ended', exitCode: 0 };
  } finally {
    isOver = true;
  }
}

/**
 * Runs until SIGINT or SIGTERM, until a service fails, or until another process has taken its place; meanwhile SIGHUP reloads the conf files. Then it stops the services one
 * after the other in the order given, all within STOP_DEADLINE_MS, or what the most patient of them wants. Another signal,
 * SAME_SIGNAL_MS later, ends the wait; a service that fails to stop does not keep the
 * others from stopping.
 * @param signals those that were caught during the start
 * @returns the exit code: 0 after a signal and when another process has taken over, 1 after a failure or when stopping failed or took too long
 */
export async function runUntilStopped(
  services: readonly Service[],
  log: Logger,
  signals: ProcessSignals = new ProcessSignals(),
): Promise<number> {
  signals.log = log;
  for (const { ip = '127.0.0.1', hasAllowList = false } of services) {
    const warning = hasAllowList ? undefined : exposureWarning(ip, '[udp] ip', '[udp] allow');
    if (warning !== undefined) log.warn(warning);
  }
  const failure = Promise.race(services.map(service => service.failed.then(error => ({ service, error }))));
  const handedOver = Promise.race(services.flatMap(({ handOver }) => (handOver === undefined ? [] : [handOver.done])));
  const end = await Promise.race([signals.first(), failure, handedOver.then(() => 'another process has taken over')]);
  if (typeof end === 'string') log.info(`${end}: stopping`);
  else log.error(`${end.service.name} cannot go on: ${end.error.message}`);
  const deadlineMs = Math.max(...services.map(({ stopDeadlineMs }) => stopDeadlineMs ?? STOP_DEADLINE_MS));
  const tooLong = deadline(deadlineMs).then(() => `not stopped within ${deadlineMs} ms`);
  const stopped = await Promise.race([stopAll(services, log), impatience(signals), tooLong]);
  if (typeof stopped === 'string') {
    log.error(`${stopped}: exiting before everything was stopped`);
    for (const service of services) service.abandon?.();
  }
  signals.release();
  return typeof end === 'string' && stopped === true ? 0 : 1;
}

/** Another signal, when it can no longer be the same one. */
async function impatience(signals: ProcessSignals): Promise<string> {
  await deadline(SAME_SIGNAL_MS);
  return `${await signals.next()} again`;
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

function deadline(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms).unref();
  });
}
