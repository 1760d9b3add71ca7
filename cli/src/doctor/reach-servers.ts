/** Whether the servers that an agent's conf names can be reached from here, and why not. */
import { type AgentConfig, serverAddresses } from '@lars/agent';
import { formatAddress } from '@lars/runtime/config/address-list';
import { messageOf } from '@lars/runtime/errors';
import { openPlainLink } from '@lars/runtime/tcp/open-link';

export interface ReachedServer {
  readonly server: 'dnsserver' | 'reporter';
  /** '10.0.0.1:7778' */
  readonly address: string;
  /** Why no connection comes about; undefined where one does. */
  readonly failure: string | undefined;
}

const TIMEOUT_MS = 1_500;

/** Connects once to each, by TCP alone, and hangs up. */
export function reachServers(config: AgentConfig): Promise<ReachedServer[]> {
  const servers = (['dnsserver', 'reporter'] as const).flatMap(server =>
    serverAddresses(config, server).map(address => ({ server, address })),
  );
  return Promise.all(
    servers.map(async ({ server, address }) => ({
      server,
      address: formatAddress(address),
      failure: await failureOf(address.host, address.port),
    })),
  );
}

function failureOf(host: string, port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    openPlainLink(
      { host, port, timeoutMs: TIMEOUT_MS },
      {
        onOpen: socket => {
          socket.on('error', () => undefined).destroy();
          resolve(undefined);
        },
        onFailed: error => resolve(messageOf(error)),
      },
    );
  });
}
