import type { Logger } from './log.ts';

/** A running part of the system: it stops when told, and says when it cannot go on. */
export interface Service {
  readonly name: string;
  /** Resolves with the reason when the service has ended by itself; never rejects. */
  readonly failed: Promise<Error>;
  /** Stops in order; safe to call twice. */
  stop(): Promise<void>;
}

export const STOP_DEADLINE_MS = 2_000;

/**
 * Runs until SIGINT or SIGTERM, or until a service fails; then stops the services one after the other in the order given, all
 * within STOP_DEADLINE_MS. A second signal ends the wait.
 * @returns the exit code: 0 after a signal, 1 after a failure or when stopping took too long
 */
export async function runUntilStopped(services: readonly Service[], log: Logger): Promise<number> {
  const signal = nextSignal();
  const failure = Promise.race(services.map(service => service.failed.then(error => ({ service, error }))));
  const end = await Promise.race([signal, failure]);
  if (typeof end === 'string') log.info(`${end}: stopping`);
  else log.error(`${end.service.name} cannot go on: ${end.error.message}`);
  const stopped = await stopAll(services, Promise.race([nextSignal(), deadline(STOP_DEADLINE_MS)]));
  if (!stopped) log.error(`not stopped within ${STOP_DEADLINE_MS} ms; leaving`);
  return typeof end === 'string' && stopped ? 0 : 1;
}

async function stopAll(services: readonly Service[], givenUp: Promise<unknown>): Promise<boolean> {
  const all = (async () => {
    for (const service of services) await service.stop();
    return true;
  })();
  return Promise.race([all, givenUp.then(() => false)]);
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    const done = (signal: NodeJS.Signals) => {
      process.off('SIGINT', done);
      process.off('SIGTERM', done);
      resolve(signal);
    };
    process.on('SIGINT', done);
    process.on('SIGTERM', done);
  });
}

function deadline(ms: number): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, ms).unref();
  });
}
