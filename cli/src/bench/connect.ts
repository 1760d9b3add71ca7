/** How a load connects to a server: as an agent would, by TCP alone or as [security] of the conf says. */
import type { Socket } from 'node:net';
import { systemClock } from '@lars/runtime/clock';
import { messageOf } from '@lars/runtime/errors';
import { recordLogger } from '@lars/runtime/log';
import type { SecurityOptions } from '@lars/runtime/security/link-security';
import { loadSecureLinks } from '@lars/runtime/security/load-secure-links';
import { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { type OpenLink, openPlainLink } from '@lars/runtime/tcp/open-link';
import { CommandError } from '../errors.ts';
import type { ServerAddress } from './datagram-client.ts';

/** Makes one connection. @throws {CommandError} CANNOT_CONNECT, INTERRUPTED */
export type Connect = (server: ServerAddress, signal: AbortSignal) => Promise<Socket>;

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Reads the files that the section names.
 * @returns undefined where nothing protects the links
 * @throws {StartupError} BAD_SECURITY_FILE naming the key, the file and what is wrong with it
 */
export async function securedConnect(options: SecurityOptions): Promise<Connect | undefined> {
  // What a running agent would log is of no use beside a measurement; what fails is an error.
  const log = recordLogger(() => undefined);
  const keeper = await SecurityKeeper.open(options, { log, clock: systemClock, onChanged: () => undefined });
  keeper.close();
  const { openLink } = await loadSecureLinks(keeper.current, { log, serverName: 'server' });
  return openLink === undefined ? undefined : connectBy(openLink);
}

export function connectBy(openLink: OpenLink): Connect {
  return ({ ip, port }, signal) =>
    new Promise((resolve, reject) => {
      const onAborted = () => {
        attempt.abort();
        reject(new CommandError('INTERRUPTED', 'interrupted'));
      };
      const attempt = openLink(
        { host: ip, port, timeoutMs: CONNECT_TIMEOUT_MS },
        {
          onOpen: socket => {
            signal.removeEventListener('abort', onAborted);
            socket.setNoDelay(true);
            // A connection that is reset between here and its first request closes, and that is noticed.
            socket.on('error', () => undefined);
            resolve(socket);
          },
          onFailed: cause => {
            signal.removeEventListener('abort', onAborted);
            reject(new CommandError('CANNOT_CONNECT', `TCP ${ip}:${port}: ${messageOf(cause)}`, { cause }));
          },
        },
      );
      if (signal.aborted) onAborted();
      else signal.addEventListener('abort', onAborted, { once: true });
    });
}

export const connectPlain: Connect = connectBy(openPlainLink);
