// pure
/** What the troubles did, side by side: a table for each trouble, a column for each way of balancing. */
import { paragraph } from './paragraph.ts';
import { type Rules, rulesText } from './rules.ts';
import type { Totals } from './scoreboard.ts';
import type { StoredCalls } from './summary.ts';
import { percent } from './table.ts';
import type { TroubleNumbers } from './trouble-record.ts';

export interface TroublesResult {
  readonly seed: number;
  readonly hosts: number;
  /** In each way. */
  readonly ratePerSecond: number;
  readonly troubleSeconds: number;
  readonly quietSeconds: number;
  /** Below half and back are told of shares over so much time. */
  readonly windowMs: number;
  readonly ways: readonly WayResult[];
  readonly troubles: readonly TroubleResult[];
}

/** All of a run, the quiet times too. */
export interface WayResult {
  readonly name: string;
  /** Lines of [loadbalance] of its agent's conf; undefined without LARS. */
  readonly conf: readonly string[] | undefined;
  readonly totals: Totals;
  /** What the agent reported to the reporter and the reporter stored, when both had stopped cleanly; undefined without LARS. */
  readonly stored: StoredCalls | undefined;
}

export interface TroubleResult {
  readonly name: string;
  /** 'server 1 is stopped' */
  readonly story: string;
  /** See Trouble. */
  readonly befalls: 'one server' | 'all servers';
  /** The part of the fleet's capacity that the server has, 0..1: what it would get if it were only smaller, and did not fail. */
  readonly fairShare: number;
  /** In the order of `TroublesResult.ways`. */
  readonly ways: readonly TroubleInOneWay[];
}

export interface TroubleInOneWay extends TroubleNumbers {
  readonly way: string;
  /** What the troubled host got of the calls while the trouble lasted, 0..1; undefined where none is, or when LARS named no host at all. */
  readonly share: number | undefined;
  /**
   * From the trouble's begin until the agent ejected the host, as its log says, ms; where none is in trouble, any host. Undefined when
   * it did not.
   */
  readonly takenOutMs: number | undefined;
}

const GAP = '  ';

/** @param rules of each way, in the order of `result.ways`; undefined without LARS */
export function troublesAsText(result: TroublesResult, rules: readonly (Rules | undefined)[]): string {
  const tables = [...result.troubles.map(troubleTable), totalsTable(result)];
  const widths = widthsOf(tables);
  const parts = [
    ...tables.map(table => tableLines(table, widths)),
    meaningLines(result),
    ...result.ways.map((_, index) => wayLines(result, index, rules)),
  ];
  return `${parts.map(lines => lines.join('\n')).join('\n\n')}\n`;
}

interface Table {
  readonly title: string;
  /** The first cell says what the others are. */
  readonly rows: readonly (readonly string[])[];
}

type TroubleRow = (label: string, cell: (way: TroubleInOneWay) => string) => readonly string[];

function troubleTable(trouble: TroubleResult): Table {
  const { name, story, befalls, ways } = trouble;
  const row: TroubleRow = (label, cell) => [label, ...ways.map(cell)];
  return {
    title: `${name}: ${story}`,
    rows: [
      row('', ({ way }) => way),
      row('calls lost', ({ failed, calls }) => countOf(failed, calls)),
      row('p50', ({ p50Ms }) => milliseconds(p50Ms)),
      row('p99', ({ p99Ms }) => milliseconds(p99Ms)),
      ...(befalls === 'all servers' ? rowsOfAll(trouble, row) : rowsOfOne(trouble, row)),
    ],
  };
}

/** The rows about how evenly the servers were called. */
function rowsOfAll({ fairShare }: TroubleResult, row: TroubleRow): (readonly string[])[] {
  return [
    row('no host named', ({ withoutHost, calls }) => countOf(withoutHost, calls)),
    row(`shares (fair ${percent(fairShare)})`, ({ callsPerHost }) => rangeOf(callsPerHost)),
    row('any taken out after', ({ takenOutMs }) => seconds(takenOutMs) ?? 'never'),
  ];
}

/** The rows about the troubled server. */
function rowsOfOne({ fairShare }: TroubleResult, row: TroubleRow): (readonly string[])[] {
  return [
    row(`its share (fair ${percent(fairShare)})`, ({ share }) => percent(share)),
    row('taken out after', ({ takenOutMs }) => seconds(takenOutMs) ?? 'never'),
    row('share halved after', ({ belowHalfMs }) => seconds(belowHalfMs) ?? 'never'),
    row('back after', ({ belowHalfMs, backMs }) => seconds(backMs) ?? (belowHalfMs === undefined ? '-' : 'never')),
  ];
}

function totalsTable({ ways }: TroublesResult): Table {
  const row = (label: string, cell: (way: WayResult) => string) => [label, ...ways.map(cell)];
  return {
    title: 'All of the run, the quiet times too',
    rows: [
      row('', ({ name }) => name),
      row('calls', ({ totals }) => `${totals.calls}`),
      row('calls lost', ({ totals }) => countOf(totals.failed, totals.calls)),
      row('no host named', ({ totals, stored }) => (stored === undefined ? '-' : `${totals.withoutHost}`)),
      row('successes stored', ({ stored }) => (stored === undefined ? '-' : `${stored.succ}`)),
      row('failures stored', ({ stored }) => (stored === undefined ? '-' : `${stored.err}`)),
    ],
  };
}

/** Of each column, over all tables, so that they stand one below the other. */
function widthsOf(tables: readonly Table[]): number[] {
  const rows = tables.flatMap(table => table.rows);
  return (rows[0] ?? []).map((_, column) => Math.max(...rows.map(cells => cells[column]?.length ?? 0)));
}

function tableLines({ title, rows }: Table, widths: readonly number[]): string[] {
  const aligned = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0);
  return [title, ...rows.map(cells => `${GAP}${cells.map(aligned).join(GAP)}`.trimEnd())];
}

function meaningLines({ hosts, windowMs, troubleSeconds }: TroublesResult): string[] {
  return paragraph(
    [
      `What the numbers mean. Calls lost, p50, p99 and share are of the calls that began in the ${troubleSeconds} s of the trouble; p50 and p99 are`,
      'how long those took that succeeded, the request to LARS included. Its share: the part of the calls that the troubled server got;',
      "fair: the part of the fleet's capacity that it has. Shares, where all are well: of the servers that got the fewest and the most. Taken out: the agent's log says that it gives the server no ordinary calls. Share halved: from the trouble's begin until its share was below half of the",
      `usual ${percent(1 / hosts)}. Back: from the trouble's end until it was above that again; never: not until the demo's end. For these two a`,
      `share is counted over the last ${windowMs / 1_000} s, so a change is seen up to so much later. No host named: calls that LARS refused.`,
      "Stored: what is in the reporter's database. An agent knows only what the callers report.",
    ].join(' '),
  );
}

/** What two ways have in common is explained once. */
function wayLines({ ways }: TroublesResult, index: number, rules: readonly (Rules | undefined)[]): string[] {
  const { name = '', conf = [] } = ways[index] ?? {};
  const rule = rules[index];
  if (rule === undefined)
    return paragraph(`'${name}' does without LARS: it calls its servers in turn, whatever becomes of the calls.`);
  const explained = rules.findIndex(other => other?.algorithm === rule.algorithm);
  if (explained === index) return paragraph(`The rules of '${name}'. ${rulesText(rule)}`);
  return paragraph(
    `'${name}' has the rules of '${ways[explained]?.name}', with ${conf.filter(line => !ways[explained]?.conf?.includes(line)).join(', ')}.`,
  );
}

function countOf(part: number, whole: number): string {
  return `${part} = ${percent(whole === 0 ? undefined : part / whole)}`;
}

/** The least and the greatest share: '18.9-21.2 %' */
function rangeOf(callsPerHost: readonly number[]): string {
  const named = callsPerHost.reduce((sum, calls) => sum + calls, 0);
  if (named === 0) return '-';
  const [least, most] = [Math.min(...callsPerHost), Math.max(...callsPerHost)].map(calls => percent(calls / named));
  return `${least?.replace(' %', '')}-${most}`;
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${ms.toFixed(1)} ms`;
}

function seconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${(ms / 1_000).toFixed(2)} s`;
}
