import type { LarsClient, LarsClientOptions } from '@lars/client-sdk';
import { type AgentAddress, parseAgentAddress } from '../arguments/agent-address.ts';
import { UsageError } from '../errors.ts';
import { type ConfFolder, confFileIn } from './conf-folder.ts';
import { connectable } from './connectable.ts';

/** The agent where business code finds it by default. */
const STANDARD_AGENT: AgentAddress = { host: '127.0.0.1', ports: 8888 };

/**
 * Runs `work` with a client of the agent that was given as --agent, else of the one that the conf file describes.
 * @param purpose what its getHosts are for
 * @throws {UsageError} when neither tells the agent's ports
 */
export async function withAgentClient<T>(
  given: string | undefined,
  folder: ConfFolder,
  work: (client: LarsClient) => Promise<T>,
  purpose: LarsClientOptions['purpose'] = 'call',
): Promise<T> {
  const address = given === undefined ? await configuredAgent(folder) : parseAgentAddress(given);
  const { LarsClient } = await import('@lars/client-sdk');
  // Without the cache, because these commands show what the agent answers.
  const client = new LarsClient({ ...address, cache: false, fallback: false, purpose });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

async function configuredAgent(folder: ConfFolder): Promise<AgentAddress> {
  const file = confFileIn(folder, 'agent.ini');
  if (file === undefined) return STANDARD_AGENT;
  // Loaded only where there is a conf file to read: a client needs little of the agent's package.
  const [{ agentConfigTable }, { readConfigFile }] = await Promise.all([
    import('@lars/agent'),
    import('@lars/runtime/config/config'),
  ]);
  const { udp } = readConfigFile(agentConfigTable, file).config;
  if (udp.port === 0)
    throw new UsageError(`${file}: [udp] port = 0 does not tell the agent's ports; give --agent HOST:PORT,PORT,PORT`);
  return { host: connectable(udp.ip), ports: udp.port };
}
