// pure
/**
 * Routes as a file that people write and read: one line for each host, `modid,cmdid,host:port[ drain][,weight[,zone]]`, or a JSON array of
 * {modid, cmdid, host, weight, zone, drain}, as earlier versions exported it. Empty lines and lines that begin with # are skipped.
 */
import { JsonArrayError, jsonElements } from './json-elements.ts';
import { checkEntry, type RouteEntry, RouteError, refuseWeightZero } from './route-entry.ts';

/**
 * Text that begins with [ is JSON.
 * @returns checked entries, each with its line
 * @throws {RouteError} naming the first line that is wrong
 */
export function parseRouteFile(text: string): readonly RouteEntry[] {
  const start = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return start.trimStart().startsWith('[') ? parseJson(start) : parseLines(start);
}

/** One line for each host. */
export function formatRouteLines(entries: readonly RouteEntry[]): string {
  return entries.map(entry => `${formatLine(entry)}\n`).join('');
}

function formatLine({ modid, cmdid, host, weight = 0, zone = '', drain = false }: RouteEntry): string {
  const shownWeight = weight === 0 ? '' : String(weight);
  const rest = zone !== '' ? `,${shownWeight},${zone}` : weight === 0 ? '' : `,${shownWeight}`;
  return `${modid},${cmdid},${host}${drain ? ' drain' : ''}${rest}`;
}

function parseLines(text: string): RouteEntry[] {
  const entries: RouteEntry[] = [];
  for (const [at, line] of text.split(/\r\n|\n|\r/).entries()) {
    const content = line.trim();
    if (content !== '' && !content.startsWith('#')) entries.push(parseLine(content, at + 1));
  }
  return entries;
}

/** The zone is the last field and takes the rest of the line, commas too. */
const LINE = /^([^,]*),([^,]*),([^,]*)(?:,([^,]*)(?:,(.*))?)?$/;
/** No host contains a space, so a word may follow it. */
const DRAINING_HOST = /^(\S+)\s+drain$/;

function parseLine(content: string, line: number): RouteEntry {
  const match = LINE.exec(content);
  if (match === null) throw new RouteError('BAD_FORMAT', 'expected modid,cmdid,host:port[ drain][,weight[,zone]]', line);
  const [modid, cmdid, host = '', weight, zone] = match.slice(1).map(field => field?.trim());
  const draining = DRAINING_HOST.exec(host)?.[1];
  // Earlier versions exported the usual weight as 0 where a zone stands behind it.
  if (zone === undefined && weight !== undefined && /^[+-]?0+$/.test(weight)) refuseWeightZero(0, line);
  return entry(
    {
      modid: toNumber(modid, 'BAD_MODID', 'modid', line),
      cmdid: toNumber(cmdid, 'BAD_CMDID', 'cmdid', line),
      host: draining ?? host,
      weight: weight === undefined || weight === '' ? undefined : toNumber(weight, 'BAD_WEIGHT', 'weight', line),
      zone: zone === '' ? undefined : zone,
      drain: draining === undefined ? undefined : true,
    },
    line,
  );
}

function toNumber(text = '', code: 'BAD_MODID' | 'BAD_CMDID' | 'BAD_WEIGHT', field: string, line: number): number {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new RouteError(code, `${field} '${text}' is not a whole number`, line);
  return Number(text);
}

function parseJson(text: string): RouteEntry[] {
  const entries: RouteEntry[] = [];
  try {
    for (const { text: item, line } of jsonElements(text)) entries.push(parseItem(parseElement(item, line), line));
  } catch (error) {
    throw error instanceof JsonArrayError ? notJson(error, error.line) : error;
  }
  return entries;
}

function parseElement(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw notJson(error as Error, line);
  }
}

function notJson(cause: Error, line: number): RouteError {
  return new RouteError('BAD_FORMAT', `this is not JSON: ${cause.message.replaceAll('\n', ' ')}`, line, { cause });
}

const FIELDS = ['modid', 'cmdid', 'host', 'weight', 'zone', 'drain'];

function parseItem(item: unknown, line: number): RouteEntry {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    throw new RouteError('BAD_FORMAT', 'expected an object {modid, cmdid, host, weight, zone, drain}', line);
  const unknown = Object.keys(item).find(field => !FIELDS.includes(field));
  if (unknown !== undefined) throw new RouteError('BAD_FORMAT', `field '${unknown}' is not known`, line);
  const { host } = item as RouteEntry;
  if (typeof host !== 'string') throw new RouteError('BAD_HOST', `host ${JSON.stringify(host)} is not a text`, line);
  return entry(item as RouteEntry, line);
}

function entry(fields: RouteEntry, line: number): RouteEntry {
  const { modid, cmdid, host, weight, zone, drain } = fields;
  const checked = { modid, cmdid, host, weight, zone, drain, line };
  checkEntry(checked);
  return checked;
}
