/** What all commands that change routes have in common: their options, what they print, and how they ask for --yes. */
import type { EditResult, RouteEditor } from '@lars/dnsserver';
import { type Command, Option } from 'commander';
import { CommandError, UsageError } from '../../errors.ts';
import { ExitCode } from '../../exit-code.ts';
import { differencesDocument, formatDifferences } from '../../output/differences-text.ts';
import { visible } from '../../output/table.ts';
import type { Shell } from '../../shell.ts';
import { withRouteEditor } from '../../system/route-database.ts';
import { databaseOf, plural } from './database.ts';

export interface ChangeOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

const MAX_REASON = 1_000;
const MAX_COMMAND = 500;
/** Of a change that is refused; --dry-run shows all. */
const SHOWN_DIFFERENCES = 20;

/** -m, --dry-run and --yes. */
export function changeOptions(command: Command): Command {
  return command
    .addOption(new Option('-m, --reason <text>', 'why; stands in lars route history').argParser(reasonOption))
    .option('--dry-run', 'show what would be changed, and change nothing')
    .option('--yes', 'also when a module is left without a host that takes calls, or more than a tenth of all hosts go');
}

function reasonOption(text: string): string {
  const reason = text.trim();
  if (reason.length > 0 && reason.length <= MAX_REASON && reason === visible(reason)) return reason;
  throw new UsageError(`--reason: expected one line of at most ${MAX_REASON} characters`);
}

/** Runs `work` on the database that the options of `lars route` name, as a change by whoever typed the command. */
export function editRoutes<T>(
  route: Command,
  shell: Shell,
  { reason = '', dryRun = false, yes = false }: ChangeOptions,
  work: (editor: RouteEditor) => Promise<T>,
): Promise<T> {
  const command = visible(shell.commandLine).slice(0, MAX_COMMAND);
  return withRouteEditor(databaseOf(route), { command, reason, dryRun, asksToConfirm: !yes }, work);
}

/**
 * Changes routes, and prints what was done.
 * @param about what of the command stands in the document beside the result
 * @throws {CommandError} UNCONFIRMED where much would be removed, with the difference
 */
export async function changeRoutes(
  route: Command,
  shell: Shell,
  options: ChangeOptions,
  work: (editor: RouteEditor) => Promise<EditResult>,
  { about = {}, name = '' }: { readonly about?: object; readonly name?: string } = {},
): Promise<EditResult> {
  const result = await editRoutes(route, shell, options, work);
  const { preview } = result;
  if (preview !== undefined && options.dryRun !== true) throw unconfirmed(shell, result, about);
  const prefix = name === '' ? '' : `${name}: `;
  shell.print(resultDocument(result, about), () => {
    if (preview === undefined) return `${prefix}${describeEdit(result)}`;
    const wants = preview.whyConfirm === undefined ? '' : `${preview.whyConfirm}: this change wants --yes\n`;
    return `${formatDifferences(preview, shell.paint)}${prefix}would be: ${describeEdit(result)}${wants}nothing was changed\n`;
  });
  return result;
}

/** One shape for all commands that change routes. */
function resultDocument({ preview, ...counts }: EditResult, about: object) {
  const shown = preview === undefined ? {} : { ...differencesDocument(preview), whyConfirm: preview.whyConfirm ?? null };
  return { ...about, ...counts, dryRun: preview !== undefined, ...shown };
}

function unconfirmed(shell: Shell, result: EditResult, about: object): CommandError {
  const { preview } = result;
  const message = `${preview?.whyConfirm}; nothing was changed: add --yes to mean it`;
  return new CommandError('UNCONFIRMED', message, {
    exitCode: ExitCode.Unconfirmed,
    details: {
      document: { ...resultDocument(result, about), dryRun: false },
      text: () =>
        preview === undefined
          ? ''
          : `${formatDifferences(preview, shell.paint, SHOWN_DIFFERENCES)}would be: ${describeEdit(result)}`,
    },
  });
}

/** '2 hosts added, 1 removed in 2 modules; revision 7' */
export function describeEdit({ added, updated, removed, modules, revision, unnamed = 0, preview }: EditResult): string {
  const counts = [
    { count: added, what: 'added' },
    { count: updated, what: 'updated' },
    { count: removed, what: 'removed' },
  ].filter(({ count }) => count > 0);
  const left = unnamed === 0 ? '' : `; ${plural(unnamed, 'host')} not named, and left`;
  const at = preview === undefined ? `revision ${revision}` : `the last revision is ${revision}`;
  if (counts.length === 0) return `nothing to change${left}; ${at}\n`;
  const changes = counts.map(({ count, what }, index) => `${index === 0 ? plural(count, 'host') : count} ${what}`);
  return `${changes.join(', ')} in ${plural(modules, 'module')}${left}; ${at}\n`;
}
