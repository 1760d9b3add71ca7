// pure
/** The same story in several worlds, as one table while it runs: a column for each world, a row for each server. */
import { barOf, type DemoView, percent, type ShownLine, timeOf } from './table.ts';

type Views = readonly [DemoView, ...DemoView[]];
type Row = (label: string, cells: readonly string[]) => string;

const MAX_CELL = 24;
const SHARE_WIDTH = ' 100.0 %'.length;
/** A shorter bar would say nothing. */
const MIN_BAR = 3;

/** No line wider than `columns`, no more lines than `rows`: servers without room are only counted. All views have as many. */
export function sideBySideLines(views: Views, columns: number, rows: number): ShownLine[] {
  const labelWidth = `server ${views[0].hosts.length} down`.length;
  const cellWidth = Math.max(0, Math.min(MAX_CELL, Math.floor((columns - labelWidth) / views.length) - 1));
  const row: Row = (label, cells) => `${label.padEnd(labelWidth)}${cells.map(cell => ` ${cell.padStart(cellWidth)}`).join('')}`;
  const head = headLines(views, row);
  const events = eventLines(views);
  const servers = serverLines(views, row, cellWidth, Math.max(1, rows - head.length - events.length));
  return [...head, ...servers, ...events].slice(0, rows).map(({ text, look }) => ({ text: text.slice(0, columns), look }));
}

function headLines(views: Views, row: Row): ShownLine[] {
  const names = views.map(({ name }) => name);
  return [
    { text: timeOf(views[0]), look: 'title' },
    { text: row('', names), look: 'title' },
    { text: row('calls lost', views.map(lossOf)), look: 'plain' },
    { text: `share of the calls of the last ${views[0].windowSeconds} s:`, look: 'dim' },
  ];
}

function serverLines(views: Views, row: Row, cellWidth: number, room: number): ShownLine[] {
  const { hosts } = views[0];
  const shown = hosts.length <= room ? hosts : hosts.slice(0, room - 1);
  const hidden = hosts.length - shown.length;
  const lines = shown.map(({ running }, index): ShownLine => {
    const cells = views.map(view => shareCell(view.hosts[index]?.share, cellWidth));
    return { text: row(`server ${index + 1}${running ? '' : ' down'}`, cells), look: running ? 'plain' : 'down' };
  });
  return hidden > 0 ? [...lines, { text: `and ${hidden} more servers`, look: 'dim' }] : lines;
}

function lossOf({ calls, failed }: DemoView): string {
  return `${failed} = ${percent(calls === 0 ? undefined : failed / calls)}`;
}

function shareCell(share: number | undefined, width: number): string {
  const barWidth = width - SHARE_WIDTH;
  const number = percent(share).padStart(SHARE_WIDTH);
  return barWidth < MIN_BAR ? number.trim() : `${barOf(share ?? 0, barWidth)}${number}`;
}

/** The last thing that each LARS decided. Each has a server of its own in a row, so they are named by the row, not by their ports. */
function eventLines(views: Views): ShownLine[] {
  return views.flatMap(({ name, hosts, events }): ShownLine[] => {
    const last = events.at(-1);
    if (last === undefined) return [];
    const text = hosts.reduce((line, { authority }, index) => line.replace(`${authority} `, `server ${index + 1} `), last);
    return [{ text: `${name}: ${text.replace(/^LARS: /, '')}`, look: 'dim' }];
  });
}
