import type { Route } from '@lars/client-sdk';
import type { ModuleId } from '@lars/proto';
import type { Command } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import { CommandError } from '../errors.ts';
import { DRAIN_COLUMN, drainCell } from '../output/drain-column.ts';
import { hostPart } from '../output/route-document.ts';
import { formatTable, type Paint } from '../output/table.ts';
import type { Shell } from '../shell.ts';
import { withAgentClient } from '../system/agent-client.ts';
import { type AgentOptions, agentOption, confFolderOf } from './options.ts';

const EXAMPLES = `
Exit code 1 when the agent knows no host of the module.

Examples:
  lars getroute 1 1
  lars getroute 1/1 --json
`;

/** `lars getroute`: all hosts of a module, as the agent has them. */
export function addGetRoute(program: Command, shell: Shell): void {
  program
    .command('getroute')
    .usage('MODID CMDID [options]')
    .description('ask the agent for all hosts of a module')
    .argument('<module...>', 'MODID CMDID, or MODID/CMDID')
    .addOption(agentOption())
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], { agent }: AgentOptions) => {
      const module = onlyModule(words);
      const route = await withAgentClient(agent, confFolderOf(program), client => client.getRoute(module.modid, module.cmdid));
      if (route.hosts.length === 0) throw noSuchModule(module);
      shell.print(routeDocument(route), () => routeText(route, shell.paint));
    });
}

/** What an empty route in the agent's answer means. */
export function noSuchModule({ modid, cmdid }: ModuleId): CommandError {
  return new CommandError(
    'LARS_NO_EXIST',
    `module ${modid}/${cmdid}: the agent knows no host of it; add one with lars route add`,
  );
}

function routeDocument({ modid, cmdid, version, overload, hosts }: Route) {
  return { modid, cmdid, version, overload, hosts: hosts.map(hostPart) };
}

function routeText({ hosts, version, overload }: Route, paint: Paint): string {
  const columns = [{ title: 'host' }, { title: 'weight', align: 'right' }, { title: 'zone' }, DRAIN_COLUMN] as const;
  const rows = hosts.map(host => [host.authority, String(host.weight), host.zone, drainCell(host)]);
  const agentPickOnly = overload ? '; callers must ask the agent for each call' : '';
  return `${formatTable(columns, rows, paint)}\n${hosts.length} hosts, version ${version}${agentPickOnly}\n`;
}
