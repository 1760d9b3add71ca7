/** Writes cli/man/lars.1 from the commands of lars: `npm run man`. A test holds them equal. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { manFile, manText } from './man-file.ts';

const file = path.join(import.meta.dirname, '..', manFile);
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(file, manText());
process.stdout.write(`wrote ${manFile}\n`);
