import { open, readFile } from 'node:fs/promises';
import { messageOf } from '../errors.ts';

/** What is wrong with a file of certificates, keys or tokens: the message begins with its path, and has nothing of what it holds. */
export class SecurityFileError extends Error {
  override readonly name = 'SecurityFileError';

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
  }
}

/** A larger file is certainly the wrong one. */
const MAX_BYTES = 1_048_576;
/** Read, write or execute for others than the owner and the group. */
const OTHERS = 0o007;

/** @throws {SecurityFileError} */
export async function readTextFile(file: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    if (text.length <= MAX_BYTES) return text;
  } catch (cause) {
    throw cannotRead(file, cause);
  }
  throw new SecurityFileError(file, `is larger than ${MAX_BYTES} bytes`);
}

/**
 * The same for a file with a secret, which must be open to its owner and group alone: a key that every user of the machine can read is
 * no secret, and nobody would notice a warning.
 */
export async function readSecretFile(file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const { mode, size } = await handle.stat();
      if ((mode & OTHERS) !== 0)
        throw new SecurityFileError(file, `every user of this machine may use it (mode ${octal(mode)}): chmod 640`);
      if (size > MAX_BYTES) throw new SecurityFileError(file, `is larger than ${MAX_BYTES} bytes`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw cause instanceof SecurityFileError ? cause : cannotRead(file, cause);
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file: a part of its path is no folder',
  EACCES: 'this user may not read it',
  EISDIR: 'is a folder',
};

function cannotRead(file: string, cause: unknown): SecurityFileError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  return new SecurityFileError(file, REASONS[code] ?? `cannot be read: ${messageOf(cause)}`, { cause });
}
