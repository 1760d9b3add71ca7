import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';

const EXAMPLES = `
Takes what dnsserver keeps from the file that lies beside the database (its name ends in .kept); hosts that were added since stay. Exit
code 1 when nothing is kept.

Examples:
  lars route restore
`;

/** `lars route restore`: hosts that vanished by mistake come back. */
export function addRouteRestore(route: Command, shell: Shell): void {
  changeOptions(route.command('restore'))
    .description('write hosts back that vanished from the table and that dnsserver keeps')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ChangeOptions) => {
      await changeRoutes(route, shell, options, editor => editor.restore());
    });
}
