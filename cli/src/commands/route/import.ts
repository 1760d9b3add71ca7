import type { Command } from 'commander';
import { CommandError } from '../../errors.ts';
import { readInput } from '../../input.ts';
import type { Shell } from '../../shell.ts';
import { describeEdit, onDatabase } from './database.ts';

interface ImportOptions {
  readonly replace?: true;
}

const EXAMPLES = `
The file has one host a line: modid,cmdid,host:port[ drain][,weight[,zone]]; lines that begin with # do not count. Or it is
JSON, an array of {"modid", "cmdid", "host", "weight", "zone", "drain"}. One transaction: when a line is wrong, or there is none, nothing is imported.

Examples:
  lars route import routes.csv
  lars route import routes.json --replace
  echo 1,1,127.0.0.1:9001 | lars route import -
`;

/** `lars route import`: routes from a file. */
export function addRouteImport(route: Command, shell: Shell): void {
  route
    .command('import')
    .description('add the routes in a file')
    .argument('<file>', 'lines or JSON; - reads standard input')
    .option('--replace', 'remove all routes that the file does not have')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { replace }: ImportOptions) => {
      const text = await readInput(file);
      const { parseRouteFile } = await import('@lars/dnsserver');
      const result = await namingFile(file, async () => {
        const entries = parseRouteFile(text);
        if (entries.length === 0)
          throw new CommandError('EMPTY_FILE', `${file}: has no routes; lars route clear --yes removes all of them`);
        return onDatabase(route, editor => editor.import(entries, replace === true ? 'replace' : 'add'));
      });
      shell.print({ file, ...result }, () => describeEdit(result));
    });
}

/** Errors of the parser and of the editor name the line; this adds the file. */
async function namingFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof CommandError ? error.cause : error;
    if (!(cause instanceof Error) || cause.name !== 'RouteError') throw error;
    throw new CommandError((cause as Error & { code: string }).code, `${file}: ${cause.message}`, { cause });
  }
}
