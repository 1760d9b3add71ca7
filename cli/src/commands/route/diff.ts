import type { Differences } from '@lars/dnsserver';
import type { Command } from 'commander';
import { integerOption } from '../../arguments/number.ts';
import { UsageError } from '../../errors.ts';
import { differencesDocument, formatDifferences } from '../../output/differences-text.ts';
import type { Shell } from '../../shell.ts';
import { inspectRoutes, plural } from './database.ts';
import { namingFile, readRouteFile } from './read-route-file.ts';

interface DiffOptions {
  readonly file?: string;
  readonly prune?: true;
}

const EXAMPLES = `
What changed behind one revision, up to another or until now; or with -f what lars route apply would change. A line for each host: + is
added, - is removed, ~ has another weight, zone or drain mark. The change of revision 17 alone is what lars route undo 17 --dry-run
shows the other way round.

Examples:
  lars route diff 16
  lars route diff 16 17
  lars route diff -f routes.yaml --prune
`;

/** `lars route diff`: what is different between two states of the routes. */
export function addRouteDiff(route: Command, shell: Shell): void {
  const revision = integerOption('revision', 0, Number.MAX_SAFE_INTEGER);
  route
    .command('diff')
    .description('show what is different between two revisions, or from a file')
    .argument('[from]', 'a revision', revision)
    .argument('[to]', 'a revision; without it, now', revision)
    .option('-f, --file <file>', 'YAML or JSON instead; - reads standard input')
    .option('--prune', 'with -f: hosts that the file does not name would go')
    .addHelpText('after', EXAMPLES)
    .action(async (from: number | undefined, to: number | undefined, { file, prune }: DiffOptions) => {
      if ((from === undefined) === (file === undefined)) throw new UsageError('route diff: either a revision, or -f and a file');
      const differences =
        file === undefined
          ? await inspectRoutes(route, inspector => inspector.diff(from ?? 0, to))
          : await diffWithFile(route, shell, file, prune === true);
      const about = file === undefined ? { from, to: to ?? null } : { file };
      shell.print({ ...about, ...differencesDocument(differences) }, () => {
        const lines = formatDifferences(differences, shell.paint);
        return lines === '' ? 'no difference\n' : `${lines}${plural(differences.hosts.length, 'difference')}\n`;
      });
    });
}

async function diffWithFile(route: Command, shell: Shell, file: string, prunes: boolean): Promise<Differences> {
  const entries = await readRouteFile(file, 'document', shell.terminal);
  return namingFile(file, () => inspectRoutes(route, inspector => inspector.diffWith(entries, prunes ? 'prune' : 'apply')));
}
