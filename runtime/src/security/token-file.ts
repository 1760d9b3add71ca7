import { readSecretFile, SecurityFileError } from './secret-file.ts';

/** Shorter ones can be guessed by whoever has heard one connection begin. */
const MIN_LENGTH = 32;
const MAX_LENGTH = 1_024;
const MAX_TOKENS = 16;

/**
 * The tokens of a file, one on each line; empty lines do not count.
 * @throws {SecurityFileError} naming the file, and the line without showing it
 */
export async function readTokenFile(file: string): Promise<readonly string[]> {
  const lines = (await readSecretFile(file)).split('\n').map(line => line.trim());
  for (const [index, line] of lines.entries()) {
    const problem = line === '' ? undefined : problemOf(line);
    if (problem !== undefined) throw new SecurityFileError(file, `line ${index + 1} ${problem}`);
  }
  const tokens = lines.filter(line => line !== '');
  if (tokens.length === 0) throw new SecurityFileError(file, 'has no token: a line of 32 characters or more');
  if (tokens.length > MAX_TOKENS) throw new SecurityFileError(file, `has more than ${MAX_TOKENS} tokens`);
  return tokens;
}

function problemOf(token: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(token)) return 'has other characters than visible ASCII ones';
  if (token.length < MIN_LENGTH) return `has ${token.length} characters, a token needs ${MIN_LENGTH} or more`;
  return token.length > MAX_LENGTH ? `has more than ${MAX_LENGTH} characters` : undefined;
}
