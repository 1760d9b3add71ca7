import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import type { Shell } from '../../shell.ts';
import { describeEdit, onDatabase } from './database.ts';

const EXAMPLES = `
Examples:
  lars route clear --yes
`;

/** `lars route clear`: no module has a host any more. */
export function addRouteClear(route: Command, shell: Shell): void {
  route
    .command('clear')
    .description('remove all routes of all modules')
    .option('--yes', 'I mean it')
    .addHelpText('after', EXAMPLES)
    .action(async ({ yes }: { readonly yes?: true }) => {
      if (yes !== true) throw new UsageError('route clear removes all routes of all modules; add --yes to mean it');
      const result = await onDatabase(route, editor => editor.clear());
      shell.print(result, () => describeEdit(result));
    });
}
