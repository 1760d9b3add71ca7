import { createReadStream } from 'node:fs';
import { messageOf } from '@lars/runtime/errors';
import { CommandError } from './errors.ts';
import type { Terminal } from './terminal.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/** For messages. */
export function inputName(path: string): string {
  return path === '-' ? 'standard input' : path;
}

/**
 * The text of a file; '-' is standard input, that of the terminal.
 * @throws {CommandError} when it cannot be read or has more than 64 MiB
 */
export async function readInput(path: string, terminal: Pick<Terminal, 'input'>): Promise<string> {
  const name = inputName(path);
  const stream: AsyncIterable<Uint8Array> = path === '-' ? terminal.input : createReadStream(path);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      size += chunk.length;
      if (size > MAX_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new CommandError('CANNOT_READ', `${name}: cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (size > MAX_BYTES) throw new CommandError('TOO_LARGE', `${name}: has more than ${MAX_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}
