import type { LarsClient, LarsHost } from '@lars/client-sdk';
import type { Command } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import { CommandError } from '../errors.ts';
import { hostPart } from '../output/route-document.ts';
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
      const host = await withAgentClient(agent, confFolderOf(program), client => getHost(client, modid, cmdid), purpose);
      shell.print({ modid, cmdid, ...hostPart(host) }, () => `${host.authority}\n`);
    });
}

/** Of hosts that may not be called the agent tells more to whoever asks why. */
async function getHost(client: LarsClient, modid: number, cmdid: number): Promise<LarsHost> {
  try {
    return await client.getHost(modid, cmdid);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'LARS_OVERLOAD') throw error;
    const name = `module ${modid}/${cmdid}`;
    const message = `${name}: no host may be called now: all are ejected, drain, or have too much to do; lars why ${modid}/${cmdid} says which`;
    throw new CommandError(error.code, message, { cause: error });
  }
}
