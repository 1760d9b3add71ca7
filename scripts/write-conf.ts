/**
 * Writes conf/*.ini and docs/configuration.md from the services' config tables, and the Grafana dashboard: `npm run conf`. A test holds them equal.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { confFiles } from './conf-files.ts';

for (const [file, text] of confFiles()) {
  writeFileSync(path.join(import.meta.dirname, '..', file), text);
  process.stdout.write(`wrote ${file}\n`);
}
