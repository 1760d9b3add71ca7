import { type DispatcherOptions, startDispatcher } from '@lars/dispatcher';
import { onReload } from '@lars/runtime/config/reload';
import { messageOf } from '@lars/runtime/errors';
import { formatPlace } from '@lars/runtime/listen-place';
import type { LogOptions } from '@lars/runtime/log-options';
import { ProcessSignals } from '@lars/runtime/process-signals';
import { UsageError } from '../errors.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Shell } from '../shell.ts';
import { takeInheritedDescriptors } from './inherited-descriptors.ts';
import { readyDocument, readyText } from './ready.ts';
import { runInForeground } from './run-in-foreground.ts';
import { healthUrl, type ServiceFacts } from './service-facts.ts';
import { startLog } from './start-log.ts';

/**
 * Runs the dispatcher until a signal ends it, or another dispatcher has taken over; SIGHUP replaces the workers that it has started.
 * @throws {UsageError} when two options name one place
 * @throws {StartupError} when it does not start
 */
export async function runDispatcher(shell: Shell, options: DispatcherOptions, logOptions: LogOptions): Promise<ExitCode> {
  refuseTwice(options);
  const signals = new ProcessSignals();
  const buffered = await startLog('dispatcher', logOptions);
  const { log } = buffered;
  return runInForeground({
    signals,
    log,
    bufferedLogs: [buffered],
    start: async stopping => {
      const inheritedFds = takeInheritedDescriptors(process.env, process.pid);
      const dispatcher = await startDispatcher({ ...options, inheritedFds }, { log, stopping });
      onReload(
        () =>
          void dispatcher.roll().catch((error: unknown) => log.error('workers were not replaced', { error: messageOf(error) })),
      );
      const { places, httpPort, engine } = dispatcher;
      const facts: ServiceFacts = {
        service: 'dispatcher',
        where: places.join(' '),
        health: options.http === undefined ? 'none' : healthUrl(options.http.ip, httpPort),
        mode: options.processes === undefined ? engine : `${engine}, ${options.processes.count} workers`,
        conf: `workers at ${options.socketPath}`,
        document: {
          listens: places,
          socket: options.socketPath,
          ...(options.http === undefined ? {} : { httpIp: options.http.ip, httpPort }),
          engine,
        },
      };
      return {
        services: [dispatcher],
        announce: () => shell.print(readyDocument([facts]), () => readyText([facts], [], shell.paint)),
      };
    },
  });
}

/** Else the second would be told that another process has it. */
function refuseTwice({ listen, socketPath }: DispatcherOptions): void {
  const taken = new Map([[formatPlace({ path: socketPath }), '--socket']]);
  for (const place of listen) {
    const written = formatPlace(place);
    const isAnyPort = 'port' in place && place.port === 0;
    if (taken.has(written) && !isAnyPort) throw new UsageError(`--listen ${written} is ${taken.get(written)} already`);
    taken.set(written, 'another --listen');
  }
}
