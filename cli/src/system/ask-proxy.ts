import { type ProxyStatus, proxyConfigTable } from '@lars/proxy';
import { readConfigFile } from '@lars/runtime/config/config';
import { messageOf } from '@lars/runtime/errors';
import { CommandError, UsageError } from '../errors.ts';
import { connectable } from './connectable.ts';
import { getText } from './get-text.ts';

const TIMEOUT_MS = 5_000;
/** Room for ten thousand hosts. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * @param address 'HOST:PORT' of the proxy's HTTP server
 * @throws {CommandError} when no proxy answers there
 */
export async function askProxy(address: string): Promise<ProxyStatus> {
  let text: string | undefined;
  try {
    text = await getText(`http://${address}/proxy`, TIMEOUT_MS, MAX_BYTES);
  } catch (cause) {
    throw new CommandError('PROXY_DOWN', `no proxy answers at http://${address}: ${messageOf(cause)}`, { cause });
  }
  const status = readStatus(text ?? '');
  if (status === undefined) throw new CommandError('NO_ANSWER', `what answers at http://${address} is no LARS proxy`);
  return status;
}

/**
 * The address of a conf file's [http].
 * @param path undefined: built-in defaults
 * @throws {UsageError} when it leaves the port to the system
 */
export function configuredProxyHttp(path: string | undefined): string {
  const { config, source } = readConfigFile(proxyConfigTable, path);
  const { ip, port } = config.http;
  if (port === 0) throw new UsageError(`${source}: [http] port = 0 does not tell the proxy's port; give --http HOST:PORT`);
  return `${connectable(ip)}:${port}`;
}

function readStatus(text: string): ProxyStatus | undefined {
  try {
    const status = JSON.parse(text) as ProxyStatus;
    return status.service === 'proxy' && Array.isArray(status.listeners) ? status : undefined;
  } catch {
    return undefined;
  }
}
