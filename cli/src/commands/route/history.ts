import type { Command } from 'commander';
import { parseModule } from '../../arguments/module-id.ts';
import { integerOption } from '../../arguments/number.ts';
import { formatHistory } from '../../output/change-set-table.ts';
import type { Shell } from '../../shell.ts';
import { inspectRoutes } from './database.ts';

const MAX_CHANGES = 1_000_000;
const DEFAULT_CHANGES = 20;

const EXAMPLES = `
Who changed routes, when, with what and why; the latest first. +2 ~1 -3: hosts added, changed and removed. What was changed in SQL stands
there as changed by hand. lars route diff shows the hosts, lars route undo takes a change back.

Examples:
  lars route history
  lars route history 1/1 -n 100
`;

/** `lars route history`: the changes of the routes. */
export function addRouteHistory(route: Command, shell: Shell): void {
  route
    .command('history')
    .description('show who changed routes, when and why')
    .argument('[module]', 'MODID/CMDID')
    .option('-n, --limit <n>', 'at most so many changes', integerOption('--limit', 1, MAX_CHANGES), DEFAULT_CHANGES)
    .addHelpText('after', EXAMPLES)
    .action(async (moduleText: string | undefined, { limit }: { readonly limit: number }) => {
      const filter = moduleText === undefined ? {} : parseModule(moduleText);
      const {
        sinceRevision,
        changeSets,
        unrecorded = null,
      } = await inspectRoutes(route, inspector => inspector.history(limit, filter));
      const sets = changeSets.map(({ id: _, unixMs, ...set }) => ({ ...set, time: new Date(unixMs).toISOString() }));
      const history = { sinceRevision, changeSets: sets, unrecorded };
      shell.print(history, () => formatHistory(history, shell.paint, shell.terminal.columns));
    });
}
