import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { onDatabase, plural } from './database.ts';

const EXAMPLES = `
When many hosts vanish from the table at once, and no lars command removed them, dnsserver goes on serving them until they are back
(lars route restore writes them back) or until this command says that they are meant to be gone.

Examples:
  lars route confirm
`;

/** `lars route confirm`: the table is meant as it is. */
export function addRouteConfirm(route: Command, shell: Shell): void {
  route
    .command('confirm')
    .description('say that hosts which dnsserver keeps are meant to be gone')
    .addHelpText('after', EXAMPLES)
    .action(async () => {
      const kept = await onDatabase(route, editor => editor.confirm());
      shell.print({ kept }, () =>
        kept.modules === 0
          ? 'nothing was kept; the table is confirmed as it is\n'
          : `${plural(kept.hosts, 'host')} in ${plural(kept.modules, 'module')} kept no more; the table is confirmed as it is\n`,
      );
    });
}
