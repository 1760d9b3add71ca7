import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FILE = 'SHA256SUMS';

/** Writes a file that `sha256sum --check` reads, with a line for each file of the folder. @returns its lines */
export function writeChecksums(folder: string): readonly string[] {
  const names = readdirSync(folder).filter(name => name !== FILE);
  const lines = names.sort().map(
    name =>
      `${createHash('sha256')
        .update(readFileSync(path.join(folder, name)))
        .digest('hex')}  ${name}`,
  );
  writeFileSync(path.join(folder, FILE), `${lines.join('\n')}\n`);
  return lines;
}
