/** Reads routes from YAML or JSON, with the line and column of each mistake. */
import type { Document, LineCounter } from 'yaml';
import { DocumentError, type DocumentPath, entriesOfDocument } from './document-entries.ts';
import { type RouteEntry, RouteError } from './route-entry.ts';

/**
 * @returns checked entries, no host of a module twice
 * @throws {RouteError} naming line and column
 */
export async function parseRouteDocument(text: string): Promise<readonly RouteEntry[]> {
  const json = /^\s*[{[]/.test(text) ? parseJson(text) : undefined;
  try {
    // JSON is YAML too, but parsing it as such takes many times as long: only for the place of a mistake.
    return entriesOfDocument(json === undefined ? (await parseYaml(text)).toJS() : json.value);
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error;
    const { document, lines } = await parseYaml(text);
    const place = lines.linePos(offsetOf(document, error.path));
    throw new RouteError(error.code, error.message, place.line, { cause: error, column: place.col });
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

interface ParsedYaml {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  toJS(): unknown;
}

async function parseYaml(text: string): Promise<ParsedYaml> {
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) throw notReadable(error, lines.linePos(error.pos[0]));
  return { document, lines, toJS: () => toPlain(document) };
}

/** Aliases that multiply themselves are refused by the library. */
function toPlain(document: Document.Parsed): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw notReadable(error as Error, { line: 1, col: 1 });
  }
}

function notReadable(cause: Error, { line, col }: { readonly line: number; readonly col: number }): RouteError {
  const why = cause.message.replaceAll(/\s*\n\s*/g, ' ');
  return new RouteError('BAD_FORMAT', `this is neither YAML nor JSON: ${why}`, line, { cause, column: col });
}

/** Where the innermost thing stands that the path leads to; where it ends at something that is missing, what it is missing in. */
function offsetOf(document: Document.Parsed, path: DocumentPath): number {
  let offset = rangeOf(document.contents)?.[0] ?? 0;
  for (let depth = 1; depth <= path.length; depth++) {
    const range = rangeOf(document.getIn(path.slice(0, depth), true));
    if (range === undefined) break;
    offset = range[0] ?? offset;
  }
  return offset;
}

function rangeOf(node: unknown): readonly number[] | undefined {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) ? range : undefined;
}
