import type { Command } from 'commander';
import { integerOption } from '../../arguments/number.ts';
import { CommandError } from '../../errors.ts';
import { ExitCode } from '../../exit-code.ts';
import { differencesDocument, formatDifferences } from '../../output/differences-text.ts';
import type { Shell } from '../../shell.ts';
import { type ChangeOptions, changeOptions, changeRoutes } from './change-routes.ts';

const EXAMPLES = `
Brings back exactly what one change of lars route history changed; that is a change too, and can be undone. Exit code 4 when any of its
hosts was changed since and is not as it was right after it: what was changed is shown, and nothing is undone. Exit code 3 as of
lars route remove.

Examples:
  lars route undo 17 --dry-run
  lars route undo 17 -m 'it was the wrong module'
`;

/** `lars route undo`: one change is taken back. */
export function addRouteUndo(route: Command, shell: Shell): void {
  changeOptions(route.command('undo'))
    .description('take one change back')
    .argument(
      '<revision>',
      'of the change, as lars route history shows it',
      integerOption('revision', 1, Number.MAX_SAFE_INTEGER),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (revision: number, options: ChangeOptions) => {
      try {
        await changeRoutes(route, shell, options, editor => editor.undo(revision), { about: { undone: revision } });
      } catch (error) {
        throw await conflictOf(error, shell);
      }
    });
}

/** The same error with its exit code and what was changed since. */
async function conflictOf(error: unknown, shell: Shell): Promise<unknown> {
  const { UndoConflict } = await import('@lars/dnsserver');
  if (!(error instanceof CommandError) || !(error.cause instanceof UndoConflict)) return error;
  const { since } = error.cause;
  return new CommandError(error.code, error.message, {
    cause: error.cause,
    exitCode: ExitCode.Conflict,
    details: { document: differencesDocument(since), text: () => formatDifferences(since, shell.paint) },
  });
}
