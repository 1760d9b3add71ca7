/**
 * Measures the system on this machine and writes docs/benchmarks.md: `npm run bench`. With `--print` it only prints. Machines are noisy:
 * what is compared is measured in one run, per second of the server's own CPU time or as a ratio.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.ts';
import { measureMemory } from './memory.ts';
import { measureStartup } from './startup.ts';
import { measureThroughput } from './throughput.ts';

const PAGE = path.join(import.meta.dirname, '../docs/benchmarks.md');

const { values: flags } = parseArgs({ options: { print: { type: 'boolean', default: false } } });
const folder = mkdtempSync(path.join(tmpdir(), 'lars-bench-'));
try {
  const sections = [];
  for (const measure of [measureStartup, measureMemory, measureThroughput]) sections.push(await measure(folder));
  const page = `${introduction()}\n${sections.join('\n')}`;
  process.stdout.write(page);
  if (!flags.print) writeFileSync(PAGE, page);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function introduction(): string {
  return `# Benchmarks

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}, on ${describeMachine()}. Nobody edits this page by hand; run it on your
own machine.
`;
}
