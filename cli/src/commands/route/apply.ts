import type { RouteEditor } from '@lars/dnsserver';
import type { Command } from 'commander';
import { formatDifferences } from '../../output/differences-text.ts';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';
import { namingFile, readRouteFile } from './read-route-file.ts';

interface ApplyOptions extends ChangeOptions {
  readonly file: string;
  readonly prune?: true;
}

const EXAMPLES = `
The file is YAML or JSON as lars route export routes.yaml writes it:

  routes:
    - modid: 1
      cmdid: 1
      hosts:
        - 10.0.0.5:80
        - {host: db.example, port: 80, weight: 200, zone: eu-1}

Each host of the file has the weight and zone that the file says, else the usual ones; its drain mark stays, unless the file has drain.
Hosts that the file does not name stay, unless --prune. The difference is shown. Applied again, nothing is
changed. Exit code 3 when any host would go, without --yes.

Examples:
  lars route apply -f routes.yaml --dry-run
  lars route apply -f routes.yaml -m 'as in the repository'
  lars route apply -f routes.yaml --prune --yes
`;

/** `lars route apply`: the routes become what a file says. */
export function addRouteApply(route: Command, shell: Shell): void {
  changeOptions(route.command('apply'))
    .description('make routes what a file says')
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads standard input')
    .option('--prune', 'remove all hosts that the file does not name')
    .addHelpText('after', EXAMPLES)
    .action(async ({ file, prune, ...options }: ApplyOptions) => {
      const entries = await readRouteFile(file, 'document', shell.terminal);
      const mode = prune === true ? 'prune' : 'apply';
      const work = async (editor: RouteEditor) => {
        const difference = options.dryRun === true ? undefined : await editor.diffWith(entries, mode);
        const result = await editor.import(entries, mode);
        if (difference !== undefined && result.preview === undefined && !shell.json)
          shell.terminal.out.write(formatDifferences(difference, shell.paint));
        return result;
      };
      await namingFile(file, () => changeRoutes(route, shell, options, work, { about: { file } }));
    });
}
