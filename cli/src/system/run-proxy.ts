import { type ProxyConfig, proxyConfigTable, type RunningProxy, readListeners, startProxy } from '@lars/proxy';
import { formatSample, readConfigFile } from '@lars/runtime/config/config';
import { ConfigError } from '@lars/runtime/config/config-error';
import { UsageError } from '../errors.ts';
import type { ExitCode } from '../exit-code.ts';
import type { Shell } from '../shell.ts';
import { takeInheritedDescriptors } from './inherited-descriptors.ts';
import { runKind } from './run-service.ts';
import { healthUrl, type ServiceFacts } from './service-facts.ts';

/**
 * Runs the proxy until a signal or a failure ends it.
 * @param path of the conf file; undefined: built-in defaults
 * @param listen 'ADDRESS=MODID/CMDID', beside the listeners of the conf
 * @param takesOver from the proxy that runs, if one does
 * @throws {UsageError} for a `listen` that is wrong
 * @throws {ConfigError | StartupError} when it does not start
 */
export async function runProxy(
  shell: Shell,
  path: string | undefined,
  { listen, takesOver }: { readonly listen: readonly string[]; readonly takesOver: boolean },
): Promise<ExitCode> {
  const conf = readConfigFile(proxyConfigTable, path);
  const configured = readListeners(conf.config);
  if (typeof configured === 'string') throw new ConfigError(conf.source, undefined, configured);
  const all = readListeners(conf.config, listen);
  if (typeof all === 'string') throw new UsageError(all);
  return runKind(shell, conf, {
    name: 'proxy',
    start: (config, { log, stopping }) => {
      const inheritedFds = takeInheritedDescriptors(process.env, process.pid);
      const takeoverFolder = process.env['RUNTIME_DIRECTORY'];
      return startProxy(config, { log, listen, takesOver, inheritedFds, takeoverFolder, stopping });
    },
    facts: proxyFacts,
  });
}

/** Prints the conf file with every key. */
export function printProxySample(shell: Shell): void {
  const text = formatSample(proxyConfigTable);
  shell.print({ file: proxyConfigTable.file, text }, () => text);
}

function proxyFacts({ http, proxy }: ProxyConfig, { places, httpPort, engine }: RunningProxy, conf: string): ServiceFacts {
  const threads = proxy.threads === 1 ? '' : `, ${proxy.threads} threads`;
  return {
    service: 'proxy',
    where: places.join(', '),
    health: healthUrl(http.ip, httpPort),
    mode: `${engine} engine${threads}`,
    conf: conf === 'defaults' ? 'built-in defaults' : conf,
    document: { listens: places, httpIp: http.ip, httpPort, engine, threads: proxy.threads, conf },
  };
}
