import type { KeptCounts } from '@lars/dnsserver';
import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, editRoutes } from './change-routes.ts';
import { plural } from './database.ts';

const EXAMPLES = `
When many hosts vanish from the table at once, and no lars command removed them, dnsserver goes on serving them until they are back
(lars route restore writes them back) or until this command says that they are meant to be gone.

Examples:
  lars route confirm
`;

/** `lars route confirm`: the table is meant as it is. */
export function addRouteConfirm(route: Command, shell: Shell): void {
  changeOptions(route.command('confirm'))
    .description('say that hosts which dnsserver keeps are meant to be gone')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ChangeOptions) => {
      const kept = await editRoutes(route, shell, options, editor => editor.confirm());
      const dryRun = options.dryRun === true;
      shell.print({ kept, dryRun }, () => confirmText(kept, dryRun));
    });
}

function confirmText(kept: KeptCounts, dryRun: boolean): string {
  const hosts = `${plural(kept.hosts, 'host')} in ${plural(kept.modules, 'module')}`;
  if (dryRun) return `${kept.modules === 0 ? 'nothing is kept' : `${hosts} would be kept no more`}; nothing was changed\n`;
  return `${kept.modules === 0 ? 'nothing was kept' : `${hosts} kept no more`}; the table is confirmed as it is\n`;
}
