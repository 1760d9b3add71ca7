import type { Command } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import { troubledModulesText } from '../output/module-table.ts';
import { isActive, moduleWhyDocument } from '../output/module-why.ts';
import { whyText } from '../output/why-table.ts';
import type { Shell } from '../shell.ts';
import { askModules, askWhy, configuredAgentHttp } from '../system/ask-agent-http.ts';
import { noSuchModule } from './getroute.ts';
import { type AgentHttpOptions, agentHttpOption, confFolderOf } from './options.ts';

const EXAMPLES = `
Without a module it lists the modules in trouble. With one it begins with the hosts in trouble and why: what happened, when, and
the rule (docs/load-balancing.md). Then each host: its state, its share of the picks in the last 10 to 20 seconds, its calls in
flight, how long a call takes, what a call costs with errors (price), how many of its last calls failed. --json has more.
Exit code 1 when the agent has no route of the module.

Examples:
  lars why
  lars why 1 1
  lars why 1/1 --json
  lars why 1 1 --http 127.0.0.1:7782
`;

/** `lars why`: why the running agent calls a module's hosts as it does. */
export function addWhy(program: Command, shell: Shell): void {
  program
    .command('why')
    .usage('[MODID CMDID] [options]')
    .description('show which modules are in trouble, or the state of each host of one and why')
    .argument('[module...]', 'MODID CMDID, or MODID/CMDID')
    .addOption(agentHttpOption())
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], { http }: AgentHttpOptions) => {
      const module = words.length === 0 ? undefined : onlyModule(words);
      const address = http ?? (await configuredAgentHttp(confFolderOf(program)));
      if (module === undefined) {
        const list = await askModules(address);
        shell.print(list, () => troubledModulesText(list, shell.paint, shell.terminal.columns));
        return;
      }
      const why = await askWhy(address, module);
      if (!isActive(why)) throw noSuchModule(module);
      shell.print({ ...moduleWhyDocument(why), state: 'active' }, () => whyText(why, shell.paint, shell.terminal.columns));
    });
}
