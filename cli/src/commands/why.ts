import type { ModuleId } from '@lars/proto';
import { messageOf } from '@lars/runtime/errors';
import type { Command } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import { CommandError, UsageError } from '../errors.ts';
import { isActive, type ModuleWhy, whyText } from '../output/why-table.ts';
import type { Shell } from '../shell.ts';
import { type ConfFolder, confFileIn } from '../system/conf-folder.ts';
import { connectable } from '../system/connectable.ts';
import { getText } from '../system/get-text.ts';
import { noSuchModule } from './getroute.ts';
import { confFolderOf } from './options.ts';

interface WhyOptions {
  readonly http?: string;
}

const EXAMPLES = `
For each host: its state, its share of the picks in the last 10 to 20 seconds, what the agent has counted of it, and how it came
to its state: the rule that fired (docs/load-balancing.md) and when. Exit code 1 when the agent has no route of the module.

Examples:
  lars why 1 1
  lars why 1/1 --json
  lars why 1 1 --http 127.0.0.1:7782
`;

const TIMEOUT_MS = 2_000;
/** Room for a module of 5,000 hosts. */
const MAX_BYTES = 16 * 1024 * 1024;

/** `lars why`: why the running agent calls a module's hosts as it does. */
export function addWhy(program: Command, shell: Shell): void {
  program
    .command('why')
    .usage('MODID CMDID [options]')
    .description('show the state of each host of a module, and why the agent calls it as it does')
    .argument('<module...>', 'MODID CMDID, or MODID/CMDID')
    .option('--http <host:port>', "the agent's HTTP address (default: agent.ini's [http])")
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], { http }: WhyOptions) => {
      const module = onlyModule(words);
      const why = await askWhy(http ?? (await configuredHttp(confFolderOf(program))), module);
      if (!isActive(why)) throw noSuchModule(module);
      shell.print(why, () => whyText(why, shell.paint));
    });
}

async function askWhy(address: string, { modid, cmdid }: ModuleId): Promise<ModuleWhy> {
  const url = `http://${address}/why/${modid}/${cmdid}`;
  let text: string | undefined;
  try {
    text = await getText(url, TIMEOUT_MS, MAX_BYTES);
  } catch (cause) {
    throw new CommandError('AGENT_DOWN', `the agent does not answer at http://${address}: ${messageOf(cause)}`, { cause });
  }
  if (text === undefined)
    throw new CommandError('NO_ANSWER', `what answers at http://${address} has nothing to say of ${modid}/${cmdid}`);
  return JSON.parse(text);
}

async function configuredHttp(folder: ConfFolder): Promise<string> {
  const [{ agentConfigTable }, { readConfigFile }] = await Promise.all([
    import('@lars/agent'),
    import('@lars/runtime/config/config'),
  ]);
  const { config, source } = readConfigFile(agentConfigTable, confFileIn(folder, 'agent.ini'));
  const { ip, port } = config.http;
  if (port === 0) throw new UsageError(`${source}: [http] port = 0 does not tell the agent's port; give --http HOST:PORT`);
  return `${connectable(ip)}:${port}`;
}
