import type { Command } from 'commander';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';
import { namingFile, readRouteFile } from './read-route-file.ts';

interface ImportOptions extends ChangeOptions {
  readonly replace?: true;
}

const EXAMPLES = `
The file has one host a line: modid,cmdid,host:port[ drain][,weight[,zone]]; lines that begin with # do not count. Or it is
JSON or YAML as lars route list --json and export print it. One transaction: when a line is wrong, or there is none, nothing is imported.
Exit code 3 when a module would have no host any more that takes calls, or more than a tenth of all hosts would go, without --yes;
with --replace also when dnsserver keeps hosts (lars route confirm) that the file does not have.

Examples:
  lars route import routes.csv
  lars route import routes.json --replace --dry-run
  echo 1,1,127.0.0.1:9001 | lars route import -
`;

/** `lars route import`: routes from a file. */
export function addRouteImport(route: Command, shell: Shell): void {
  changeOptions(route.command('import'))
    .description('add the routes in a file')
    .argument('<file>', 'lines, JSON or YAML; - reads standard input')
    .option('--replace', 'remove all routes that the file does not have')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { replace, ...options }: ImportOptions) => {
      const entries = await readRouteFile(file, 'any', shell.terminal);
      const mode = replace === true ? 'replace' : 'add';
      await namingFile(file, () =>
        changeRoutes(route, shell, options, editor => editor.import(entries, mode), { about: { file } }),
      );
    });
}
