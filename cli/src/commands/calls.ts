import { existsSync } from 'node:fs';
import path from 'node:path';
import { formatHost, formatHostName, type ModuleId } from '@lars/proto';
import type { CallHistoryReader } from '@lars/reporter';
import { messageOf } from '@lars/runtime/errors';
import { type Command, Option } from 'commander';
import { onlyModule } from '../arguments/module-id.ts';
import { parseTime } from '../arguments/since.ts';
import { CallSums, type HostCalls, MINUTE_SEC } from '../calls/call-sums.ts';
import { type CallerCalls, callersOf } from '../calls/caller-sums.ts';
import { callersText, hostsText, localTime, minutesText } from '../calls/calls-text.ts';
import { CommandError, UsageError } from '../errors.ts';
import { formatCsv } from '../output/csv.ts';
import { formatDuration } from '../output/numbers.ts';
import type { Shell } from '../shell.ts';
import { type ConfFolder, confFileIn } from '../system/conf-folder.ts';
import { confFolderOf } from './options.ts';

const EXAMPLES = `
Reads the reporter's database, whether the reporter runs or not. Agents report every 15 s (report_timeout), so the last minute may
not be complete. The history has calls by minute and host; by caller there is what each agent told in its last report. Times are
local. A span is 90s, 30m, 1h or 2d.

Examples:
  lars calls 1/1
  lars calls 1/1 --since 1d --by minute
  lars calls 1 1 --since 2026-11-29T10:00 --until 2026-11-29T11:00 --csv > calls.csv
  lars calls 1/1 --by caller --json
`;

interface CallsOptions {
  readonly since: string;
  readonly until?: string;
  readonly by: 'host' | 'minute' | 'caller';
  readonly csv?: true;
  readonly db?: string;
}

interface CallsQuery extends ModuleId {
  readonly fromSec: number;
  readonly toSec: number;
  readonly nowSec: number;
}

/** `lars calls`: how many calls a module had, and how they went. */
export function addCalls(program: Command, shell: Shell): void {
  program
    .command('calls')
    .usage('MODID CMDID [options]')
    .description('show from the history how many calls a module had, and how they went')
    .argument('<module...>', 'MODID CMDID, or MODID/CMDID')
    .option('--since <time>', 'a span until now, or a time', '1h')
    .option('--until <time>', 'the end, likewise (default: now)')
    .addOption(new Option('--by <what>', 'a line for each').choices(['host', 'minute', 'caller']).default('host'))
    .option('--csv', 'comma-separated values instead of a table')
    .option('--db <file>', 'the SQLite file (default: [database] file of reporter.ini)')
    .addHelpText('after', EXAMPLES)
    .action(async (words: readonly string[], options: CallsOptions) => {
      if (options.csv === true && shell.json) throw new UsageError('--csv and --json: give one of them');
      const query = readQuery(onlyModule(words), options, Math.floor(Date.now() / 1_000));
      const { file, from } = await databaseOf(options.db, confFolderOf(program));
      const reader = await openReader(file, from);
      try {
        await (options.by === 'caller' ? showCallers(shell, query, options, reader) : showHistory(shell, query, options, reader));
      } catch (error) {
        throw new CommandError('NO_HISTORY', historyProblem(file, error), { cause: error });
      } finally {
        reader.close();
      }
    });
}

function readQuery(module: ModuleId, { since, until }: CallsOptions, nowSec: number): CallsQuery {
  const fromSec = parseTime('--since', since, nowSec);
  const toSec = until === undefined ? nowSec : parseTime('--until', until, nowSec);
  if (fromSec >= toSec)
    throw new UsageError(`--since ${since} is not before ${until === undefined ? 'now' : `--until ${until}`}`);
  return { ...module, fromSec: Math.floor(fromSec / MINUTE_SEC) * MINUTE_SEC, toSec, nowSec };
}

async function showHistory(shell: Shell, query: CallsQuery, { by, csv }: CallsOptions, reader: CallHistoryReader): Promise<void> {
  const sums = new CallSums(query.fromSec, query.toSec);
  for await (const row of reader.rows(query)) sums.add(row);
  const { hosts, minutes, all } = sums;
  const lines = by === 'host' ? hosts : minutes;
  if (csv === true) {
    const title = by === 'host' ? 'host' : 'minute';
    const names = by === 'host' ? hosts.map(({ address }) => formatHost(address)) : minutes.map(({ minute }) => minute);
    shell.terminal.out.write(formatCsv([countTitles(title), ...lines.map((line, i) => [names[i] ?? '', ...countValues(line)])]));
    return;
  }
  const document = {
    ...timeOf(query),
    by,
    all,
    ...(by === 'host' ? { stepSec: sums.stepSec, hosts: hosts.map(hostCallsDocument) } : { minutes }),
  };
  const none = lines.length === 0 ? await whyNone(query, reader) : '';
  const { columns } = shell.terminal;
  shell.print(document, () => {
    if (none !== '') return none;
    const table = by === 'host' ? hostsText(sums, shell.paint, columns) : minutesText(sums, shell.paint, columns);
    return `${headline(query)}\n\n${table}`;
  });
}

async function showCallers(shell: Shell, query: CallsQuery, { csv }: CallsOptions, reader: CallHistoryReader): Promise<void> {
  const callers = callersOf(await reader.lastReports(query.modid, query.cmdid), query.fromSec);
  if (csv === true) {
    const values = (caller: CallerCalls) => [caller.caller, ...countValues(caller), caller.hosts, caller.ejected, caller.lastSec];
    shell.terminal.out.write(formatCsv([[...countTitles('caller'), 'hosts', 'ejected', 'last'], ...callers.map(values)]));
    return;
  }
  const none = callers.length === 0 ? await whyNone(query, reader) : '';
  shell.print({ ...timeOf(query), by: 'caller', callers }, () => {
    if (none !== '') return none;
    return `Module ${query.modid}/${query.cmdid}, what each caller told last, of some 15 s (the history has no callers):\n\n${callersText(callers, query.nowSec, shell.paint)}`;
  });
}

function hostCallsDocument({ address, ...counts }: HostCalls) {
  return { host: formatHostName(address), port: address.port, ...counts };
}

function countTitles(first: string): string[] {
  return [first, 'calls', 'failures', 'mean_ms'];
}

function countValues({
  calls,
  failures,
  meanMs,
}: {
  readonly calls: number;
  readonly failures: number;
  readonly meanMs: number;
}): number[] {
  return [calls, failures, Math.round(meanMs * 1_000) / 1_000];
}

function timeOf({ modid, cmdid, fromSec, toSec }: CallsQuery) {
  return { modid, cmdid, from: new Date(fromSec * 1_000).toISOString(), to: new Date(toSec * 1_000).toISOString() };
}

function headline({ modid, cmdid, fromSec, toSec }: CallsQuery): string {
  return `Module ${modid}/${cmdid}, ${localTime(fromSec)} to ${localTime(toSec)} (${formatDuration(toSec - fromSec)})`;
}

/** An empty table says nothing of why it is empty. */
async function whyNone({ modid, cmdid, fromSec, toSec }: CallsQuery, reader: CallHistoryReader): Promise<string> {
  const bounds = await reader.bounds();
  if (bounds === undefined)
    return 'The history is empty: no agent has reported a call. lars status says whether the reporter and the agents are well.\n';
  const kept = `it has calls from ${localTime(bounds.firstSec)} to ${localTime(bounds.lastSec)}`;
  return `No calls of ${modid}/${cmdid} from ${localTime(fromSec)} to ${localTime(toSec)} in the history; ${kept}, of all modules.\n`;
}

async function databaseOf(
  given: string | undefined,
  folder: ConfFolder,
): Promise<{ readonly file: string; readonly from: string }> {
  if (given !== undefined) return { file: given, from: '--db' };
  const [{ reporterConfigTable }, { readConfigFile }] = await Promise.all([
    import('@lars/reporter'),
    import('@lars/runtime/config/config'),
  ]);
  const { config, source } = readConfigFile(reporterConfigTable, confFileIn(folder, reporterConfigTable.file));
  return { file: config.database.file, from: `conf key [database] file, ${source}` };
}

async function openReader(file: string, from: string): Promise<CallHistoryReader> {
  if (!existsSync(file))
    throw new CommandError('NO_DATABASE', `database ${path.resolve(file)} (${from}) does not exist: no reporter has run with it`);
  return (await import('@lars/reporter')).openCallHistory(file, from);
}

function historyProblem(file: string, error: unknown): string {
  const message = messageOf(error);
  if (/no such (table|column)/.test(message))
    return `database ${path.resolve(file)} has no history of calls: no reporter of this system has written there (${message})`;
  return `database ${path.resolve(file)} cannot be read: ${message}`;
}
