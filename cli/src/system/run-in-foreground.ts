import { runUntilStopped, type Service, startUnlessStopped } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import type { ProcessSignals } from '@lars/runtime/process-signals';
import { SystemdNotifier } from '@lars/runtime/systemd-notifier';
import { ExitCode } from '../exit-code.ts';
import type { BufferedLog } from './buffered-log.ts';
import { tellStarter } from './run-detached.ts';

export interface Foreground {
  readonly signals: ProcessSignals;
  readonly log: Logger;
  readonly bufferedLogs: readonly BufferedLog[];
  /** Starts the services; when `stopping` is aborted it does not wait for anything any more. */
  start(stopping: AbortSignal): Promise<ForegroundServices>;
}

export interface ForegroundServices {
  /** In the order in which they are stopped. */
  readonly services: readonly Service[];
  /** Prints what is ready. A program that reads it may send a signal at once. */
  announce(): void;
}

/**
 * Starts services, announces that they are ready, and runs them until a signal or a failure ends them.
 * @throws what `start` throws
 */
export async function runInForeground({ signals, log, bufferedLogs, start }: Foreground): Promise<ExitCode> {
  const release = () => {
    for (const buffered of bufferedLogs) buffered.release();
  };
  const started = await startUnlessStopped(start, log, signals);
  if (started.kind === 'ended') {
    release();
    return started.exitCode === 0 ? ExitCode.Ok : ExitCode.Failed;
  }
  const { services, announce } = started.result;
  const ended = runUntilStopped(services, log, signals);
  announce();
  release();
  const systemd = await SystemdNotifier.open(process.env, log);
  if (systemd !== undefined) tellSystemd(systemd, services, signals);
  tellStarter();
  return (await ended) === 0 ? ExitCode.Ok : ExitCode.Failed;
}

function tellSystemd(systemd: SystemdNotifier, services: readonly Service[], signals: ProcessSignals): void {
  signals.reloadObserver = systemd;
  for (const { handOver } of services) if (handOver !== undefined) handOver.successorObserver = pid => systemd.leaveTo(pid);
  const [inheritedMs] = services.flatMap(({ handOver }) => handOver?.watchdogMs ?? []);
  systemd.watch(() => services.every(service => service.isAlive?.() ?? true), inheritedMs);
  void Promise.race([signals.first(), ...services.map(({ failed }) => failed)]).then(() => systemd.stopping());
  systemd.ready();
}
