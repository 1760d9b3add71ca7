import { withMarkedPart } from '../marked-part.ts';
import type { KeyFiles } from './conf-keys.ts';
import type { RanFile } from './ran-lines.ts';

export interface Way {
  readonly name: string;
  readonly files: readonly RanFile[];
}

/** A file of which fewer lines ran does no part of the work. */
const LINES_TO_FOLLOW = 10;
/** A file of which fewer lines ran lends a getter or a helper, which its name explains; nobody opens it. */
const LINES_OF_LEAF = 5;

/** What does a part of the work in a service is to be followed; leaves are what one may look up on the way. */
function isToFollow({ file, ranLines }: RanFile): boolean {
  return /^(?:agent|dnsserver)\//.test(file) && ranLines.size >= LINES_TO_FOLLOW;
}

function isToOpen({ ranLines }: RanFile): boolean {
  return ranLines.size >= LINES_OF_LEAF;
}

/** Each file of a way, those with most lines that ran first. */
export function formatWay({ name, files }: Way): string {
  const rows = [...files]
    .sort((one, other) => other.ranLines.size - one.ranLines.size || one.file.localeCompare(other.file))
    .map(({ file, lines, ranLines, functions }) => [file, lines, ranLines.size, [...functions].sort().join(', ')] as const);
  const width = Math.max(...rows.map(([file]) => file.length));
  const lines = rows.map(([file, all, ran, functions]) =>
    `${file.padEnd(width)} ${String(all).padStart(6)} ${String(ran).padStart(5)}  ${functions}`.trimEnd(),
  );
  return [name, `${'file'.padEnd(width)}  lines   ran  functions`, ...lines, '', totals({ name, files }).join(' | '), ''].join(
    '\n',
  );
}

export function formatKeys(keys: readonly KeyFiles[]): string {
  return keys.map(({ name, files }) => `${name}: ${files.length} files (${files.join(', ')})\n`).join('');
}

/** The totals as they stand in docs/architecture.md. */
export function formatTotals(ways: readonly Way[], keys: readonly KeyFiles[], transport: string): string {
  return [
    `Counted by \`node scripts/ways.ts --write\`, transport ${transport}: files, their lines, and the lines that ran in one warm call. To follow are the files of the services in which ${LINES_TO_FOLLOW} lines or more ran; with leaves: all files with ${LINES_OF_LEAF} lines or more; all: those with a getter or a helper of fewer lines too.`,
    '',
    '| way | to follow | lines | ran | with leaves | lines | ran | all | lines | ran |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...ways.map(way => `| ${totals(way).join(' | ')} |`),
    '',
    `Files in which a conf key stands: ${keys.map(({ name, files }) => `\`${name}\` ${files.length}`).join(', ')}.`,
  ].join('\n');
}

/** The page with the totals between its two markers. */
export function withTotals(page: string, text: string): string {
  return withMarkedPart(page, 'ways', text);
}

function totals({ name, files }: Way): readonly string[] {
  return [name, ...sums(files.filter(isToFollow)), ...sums(files.filter(isToOpen)), ...sums(files)];
}

function sums(files: readonly RanFile[]): string[] {
  const lines = files.reduce((sum, file) => sum + file.lines, 0);
  const ran = files.reduce((sum, file) => sum + file.ranLines.size, 0);
  return [files.length, lines, ran].map(count => count.toLocaleString('en'));
}
