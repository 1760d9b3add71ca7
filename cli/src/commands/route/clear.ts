import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';

const EXAMPLES = `
Examples:
  lars route clear --dry-run
  lars route clear --yes
`;

/** `lars route clear`: no module has a host any more. */
export function addRouteClear(route: Command, shell: Shell): void {
  changeOptions(route.command('clear'))
    .description('remove all routes of all modules')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ChangeOptions) => {
      await changeRoutes(route, shell, options, editor => editor.clear());
    });
}
