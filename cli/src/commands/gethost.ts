import type { Command } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import type { Shell } from '../shell.ts';
import { withAgentClient } from '../system/agent-client.ts';
import { type AgentOptions, agentOption, confFolderOf } from './options.ts';

interface GetHostOptions extends AgentOptions {
  readonly count?: true;
}

const EXAMPLES = `
Prints HOST:PORT. It only looks: the agent counts no call, so asked again the answer may be the same. With --count it is a pick
like that of business code; lars report tells the agent how the call went. Exit code 1 when the module has no host, or none may
be called now. An agent of an earlier version counts a call either way.

Examples:
  lars gethost 1 1
  lars gethost -3 2 --json
  curl http://$(lars gethost 1 1 --count)/ && lars report 1 1 10.0.0.5:80 --ok
`;

/** `lars gethost`: one host of a module, as business code would get it now. */
export function addGetHost(program: Command, shell: Shell): void {
  program
    .command('gethost')
    .usage('MODID CMDID [options]')
    .description('ask the agent which host to call now')
    .argument('<module...>', 'MODID CMDID, or MODID/CMDID')
    .option('--count', 'count it as a call that is made, as for business code')
    .addOption(agentOption())
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], { agent, count }: GetHostOptions) => {
      const { modid, cmdid } = onlyModule(words);
      const purpose = count === true ? 'call' : 'look';
      const host = await withAgentClient(agent, confFolderOf(program), client => client.getHost(modid, cmdid), purpose);
      const { port, weight, zone } = host;
      shell.print({ modid, cmdid, host: host.host, port, weight, zone }, () => `${host.authority}\n`);
    });
}
