import { realpath, stat, writeFile } from 'node:fs/promises';
import { writeDurableFileAs } from '@lars/runtime/durable-file';
import { messageOf } from '@lars/runtime/errors';
import type { Command } from 'commander';
import { CommandError } from '../../errors.ts';
import { formatRoutesJson, formatRoutesYaml, routeDocument } from '../../output/route-document.ts';
import type { Shell } from '../../shell.ts';
import { inspectRoutes, plural } from './database.ts';

const EXAMPLES = `
A file whose name ends in .json gets JSON, in .yaml or .yml YAML, any other one line a host; without a file the lines go to standard
output. A file is written whole or not at all.

Examples:
  lars route export
  lars route export routes.csv
  lars route export routes.yaml
`;

/** Files of people are readable for whom umask allows. */
const FILE_MODE = 0o666;

/** `lars route export`: all routes, in the form that import takes. */
export function addRouteExport(route: Command, shell: Shell): void {
  route
    .command('export')
    .description('write all routes in the form that import and apply take')
    .argument('[file]', 'where to; - is standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (file = '-') => {
      const { formatRouteLines } = await import('@lars/dnsserver');
      const { routes, entries } = await inspectRoutes(route, async inspector => ({
        routes: (await inspector.list()).map(routeDocument),
        entries: await inspector.export(),
      }));
      if (file === '-') {
        shell.print({ routes }, () => formatRouteLines(entries));
        return;
      }
      const isYaml = file.endsWith('.yaml') || file.endsWith('.yml');
      const text = isYaml
        ? formatRoutesYaml(routes)
        : file.endsWith('.json')
          ? formatRoutesJson(routes)
          : formatRouteLines(entries);
      await save(file, text);
      shell.print({ file, hosts: entries.length }, () => `${plural(entries.length, 'host')} written to ${file}\n`);
    });
}

async function save(file: string, text: string): Promise<void> {
  try {
    const target = await fileBehind(file);
    // A device or a pipe must not be replaced by a file of its name.
    if (target === undefined) await writeFile(file, text);
    else await writeDurableFileAs(target, FILE_MODE, Buffer.from(text));
  } catch (cause) {
    throw new CommandError('CANNOT_WRITE', `${file}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** The file itself, also behind a link; undefined where there is something else. */
async function fileBehind(file: string): Promise<string | undefined> {
  try {
    return (await stat(file)).isFile() ? await realpath(file) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return file;
    throw error;
  }
}
