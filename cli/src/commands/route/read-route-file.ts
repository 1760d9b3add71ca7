import type { RouteEntry } from '@lars/dnsserver';
import { CommandError } from '../../errors.ts';
import { inputName, readInput } from '../../input.ts';
import type { Terminal } from '../../terminal.ts';

/**
 * The routes in a file: a document where its name or its first letter says so, else lines.
 * @param format document: YAML or JSON, whatever it is called
 * @throws {CommandError} naming the file, the line and, in a document, the column; EMPTY_FILE where there is no route
 */
export async function readRouteFile(
  file: string,
  format: 'any' | 'document',
  terminal: Pick<Terminal, 'input'>,
): Promise<readonly RouteEntry[]> {
  const text = await readInput(file, terminal);
  const { parseRouteDocument, parseRouteFile } = await import('@lars/dnsserver');
  const isDocument = format === 'document' || /\.ya?ml$/.test(file) || /^\s*\{/.test(text);
  if (text.trim() === '') throw emptyFile(file);
  const entries = await namingFile(file, async () => (isDocument ? await parseRouteDocument(text) : parseRouteFile(text)));
  if (entries.length === 0) throw emptyFile(file);
  return entries;
}

/** Errors of the parser and of the editor name the line; this adds the file. */
export async function namingFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof CommandError ? error.cause : error;
    if (!(cause instanceof Error) || cause.name !== 'RouteError') throw error;
    throw new CommandError((cause as Error & { code: string }).code, `${inputName(file)}: ${cause.message}`, { cause });
  }
}

function emptyFile(file: string): CommandError {
  return new CommandError('EMPTY_FILE', `${inputName(file)}: has no routes; lars route clear --yes removes all of them`);
}
