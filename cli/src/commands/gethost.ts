import type { Command } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import type { Shell } from '../shell.ts';
import { withAgentClient } from '../system/agent-client.ts';
import { type AgentOptions, agentOption, confFolderOf } from './options.ts';

const EXAMPLES = `
Prints HOST:PORT. Exit code 1 when the module has no host, or none may be called now.

Examples:
  lars gethost 1 1
  lars gethost -3 2 --json
  curl http://$(lars gethost 1 1)/
`;

/** `lars gethost`: one host of a module, as business code would get it. */
export function addGetHost(program: Command, shell: Shell): void {
  program
    .command('gethost')
    .usage('MODID CMDID [options]')
    .description('ask the agent which host to call now')
    .argument('<module...>', 'MODID CMDID, or MODID/CMDID')
    .addOption(agentOption())
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], { agent }: AgentOptions) => {
      const { modid, cmdid } = onlyModule(words);
      const host = await withAgentClient(agent, confFolderOf(program), client => client.getHost(modid, cmdid));
      const { port, weight, zone } = host;
      shell.print({ modid, cmdid, host: host.host, port, weight, zone }, () => `${host.authority}\n`);
    });
}
