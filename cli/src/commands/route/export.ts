import { writeFile } from 'node:fs/promises';
import { messageOf } from '@lars/runtime/errors';
import type { Command } from 'commander';
import { CommandError } from '../../errors.ts';
import type { Shell } from '../../shell.ts';
import { onDatabase, plural } from './database.ts';

const EXAMPLES = `
A file whose name ends in .json gets JSON, any other one line a host; without a file it goes to standard output.

Examples:
  lars route export
  lars route export routes.csv
  lars route export routes.json
`;

/** `lars route export`: all routes, in the form that import takes. */
export function addRouteExport(route: Command, shell: Shell): void {
  route
    .command('export')
    .description('write all routes in the form that import takes')
    .argument('[file]', 'where to; - is standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (file = '-') => {
      const entries = await onDatabase(route, editor => editor.export());
      const { formatRouteFile } = await import('@lars/dnsserver');
      if (file === '-') {
        shell.print(entries, () => formatRouteFile(entries, 'csv'));
        return;
      }
      await save(file, formatRouteFile(entries, file.endsWith('.json') ? 'json' : 'csv'));
      shell.print({ file, hosts: entries.length }, () => `${plural(entries.length, 'host')} written to ${file}\n`);
    });
}

async function save(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new CommandError('CANNOT_WRITE', `${file}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}
