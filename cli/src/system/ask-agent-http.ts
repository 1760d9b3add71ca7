import type { ModuleId } from '@lars/proto';
import { messageOf } from '@lars/runtime/errors';
import { CommandError, UsageError } from '../errors.ts';
import type { ModulesWhy, ModuleWhy } from '../output/module-why.ts';
import { type ConfFolder, confFileIn } from './conf-folder.ts';
import { connectable } from './connectable.ts';
import { getText } from './get-text.ts';

const TIMEOUT_MS = 5_000;
/** Room for a module of 5,000 hosts. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * What the agent knows of a module and its hosts.
 * @param address 'HOST:PORT' of the agent's HTTP server
 * @throws {CommandError} when it does not answer
 */
export async function askWhy(address: string, { modid, cmdid }: ModuleId): Promise<ModuleWhy> {
  const text = await askAgent(address, `/why/${modid}/${cmdid}`);
  if (text !== undefined) return JSON.parse(text);
  throw new CommandError('NO_ANSWER', `what answers at http://${address} has nothing to say of ${modid}/${cmdid}`);
}

/**
 * Which modules there are to look at.
 * @throws {CommandError} when it does not answer, or is of an earlier version that cannot tell
 */
export async function askModules(address: string): Promise<ModulesWhy> {
  const text = await askAgent(address, '/why');
  if (text !== undefined) return JSON.parse(text);
  throw new CommandError(
    'NO_ANSWER',
    `what answers at http://${address} does not list its modules: no agent, a busy one, or one of an earlier version`,
  );
}

async function askAgent(address: string, path: string): Promise<string | undefined> {
  try {
    return await getText(`http://${address}${path}`, TIMEOUT_MS, MAX_BYTES);
  } catch (cause) {
    throw new CommandError('AGENT_DOWN', `the agent does not answer at http://${address}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * The address of agent.ini's [http].
 * @throws {UsageError} when it leaves the port to the system
 */
export async function configuredAgentHttp(folder: ConfFolder): Promise<string> {
  const [{ agentConfigTable }, { readConfigFile }] = await Promise.all([
    import('@lars/agent'),
    import('@lars/runtime/config/config'),
  ]);
  const { config, source } = readConfigFile(agentConfigTable, confFileIn(folder, 'agent.ini'));
  const { ip, port } = config.http;
  if (port === 0) throw new UsageError(`${source}: [http] port = 0 does not tell the agent's port; give --http HOST:PORT`);
  return `${connectable(ip)}:${port}`;
}
