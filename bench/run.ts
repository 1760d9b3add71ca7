/**
 * Measures the system on this machine and writes docs/benchmarks.md with its plots: `npm run bench`, in about half an hour.
 * `--only SECTION[,SECTION]` measures these alone and leaves the others on the page as they are; `--print` writes nothing.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '@lars/runtime/errors';
import { type Flags, parseFlags } from './flags.ts';
import { describeMachine } from './machine.ts';
import { dated, type MeasuredSection, writePage } from './page.ts';
import type { Section } from './section.ts';
import { SECTIONS } from './sections.ts';

const DOCS = path.join(import.meta.dirname, '../docs');
const PAGE = path.join(DOCS, 'benchmarks.md');
const PLOTS = 'benchmarks';

/** Everything temporary goes with this process, also when it is interrupted. */
const temporary = mkdtempSync(path.join(tmpdir(), 'lars-bench-'));
process.env['TMPDIR'] = temporary;
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const order = SECTIONS.map(({ name }) => name);
let flags: Flags;
try {
  flags = parseFlags(process.argv.slice(2), order);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
}
for (const section of SECTIONS.filter(({ name }) => flags.names.includes(name))) {
  const measured = await measure(section);
  process.stdout.write(`${measured.text}\n`);
  // One at a time: what has been measured stays if a later one fails.
  if (!flags.print) writeFileSync(PAGE, writePage(existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '', [measured], order));
}

async function measure(section: Section): Promise<MeasuredSection> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-bench-'));
  const startMs = performance.now();
  try {
    const text = await section.measure({ folder, plot: writePlot });
    process.stderr.write(`${section.name}: ${((performance.now() - startMs) / 1_000).toFixed(0)} s\n`);
    return dated({ name: section.name, text }, new Date().toISOString().slice(0, 10), describeMachine());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writePlot(name: string, svg: string): string {
  if (!flags.print) {
    mkdirSync(path.join(DOCS, PLOTS), { recursive: true });
    writeFileSync(path.join(DOCS, PLOTS, name), svg);
  }
  return `${PLOTS}/${name}`;
}
