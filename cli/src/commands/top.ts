import { type Command, Option } from 'commander';
import { decimalOption } from '../arguments/number.ts';
import { formatModules } from '../output/module-table.ts';
import type { Paint } from '../output/table.ts';
import type { Shell } from '../shell.ts';
import { configuredAgentHttp } from '../system/ask-agent-http.ts';
import { headLines, type TopData } from '../top/top-screen.ts';
import { FIRST_STATE, sorted } from '../top/top-state.ts';
import { type AgentHttpOptions, agentHttpOption, confFolderOf } from './options.ts';

const EXAMPLES = `
Live, on the whole terminal: the modules of an agent, those in trouble first. Arrows move, Enter opens a module (its hosts and why,
as lars why), Esc goes back, q quits. Orders: t trouble, p picks, f failed, l how long calls take, m module; r reverses. Of a large
agent the modules in trouble and the busiest ones are listed. Where the output is no terminal, it is printed once, as text or --json.

Examples:
  lars top
  lars top --interval 0.5 --http 127.0.0.1:7782
  lars top --json
`;

interface TopOptions extends AgentHttpOptions {
  readonly interval: number;
}

/** More often would be load, and nothing to see: picks are counted over ten seconds. */
const MIN_INTERVAL_SEC = 0.1;
const MAX_INTERVAL_SEC = 3_600;

/** `lars top`: what the agent's modules do now. */
export function addTop(program: Command, shell: Shell): void {
  program
    .command('top')
    .description('watch the modules of an agent, live')
    .addOption(
      new Option('--interval <s>', 'seconds between two looks')
        .argParser(decimalOption('--interval', MIN_INTERVAL_SEC, MAX_INTERVAL_SEC, 'a number of seconds'))
        .default(2),
    )
    .addOption(agentHttpOption())
    .addHelpText('after', EXAMPLES)
    .action(async ({ http, interval }: TopOptions) => {
      const { readTop, runTop } = await import('../top/run-top.ts');
      const data = await readTop(http ?? (await configuredAgentHttp(confFolderOf(program))));
      const isLive = !shell.json && shell.terminal.out.isTty && process.stdin.isTTY === true;
      if (isLive) await runTop(shell, data, interval * 1_000);
      else shell.print({ health: data.health, ...data.modules }, () => snapshot(data, shell.paint));
    });
}

function snapshot(data: TopData, paint: Paint): string {
  return `${headLines(data, paint).join('\n')}\n\n${formatModules(sorted(data.modules.modules, FIRST_STATE), paint)}`;
}
