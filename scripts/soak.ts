/**
 * Everything under load while faults are thrown at random: `npm run soak -- --minutes 30`. Prints a table of what was thrown and what it
 * cost, and ends with exit code 1 when that is more than docs/reliability.md promises. `--seed N` throws the faults of an earlier run again,
 * `--write` puts the table into docs/reliability.md, `--only KIND,KIND` throws these alone, `--folder DIR` leaves the system's files there.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '@lars/runtime/errors';
import { describeMachine } from '../bench/machine.ts';
import { seededRandom } from '../test/support/seeded-random.ts';
import { withMarkedPart } from './marked-part.ts';
import { ALL_FAULTS, shuffledFaults } from './soak/faults/all-faults.ts';
import { type Flags, parseFlags } from './soak/flags.ts';
import { formatSoak } from './soak/soak-page.ts';
import { SoakRun } from './soak/soak-run.ts';

const PAGE = path.join(import.meta.dirname, '../docs/reliability.md');
/** So few that two processors have room for everything. */
const CALLS_PER_SEC = 300;

let flags: Flags;
try {
  const kinds = ALL_FAULTS.map(({ kind }) => kind);
  flags = parseFlags(process.argv.slice(2), kinds, 1 + Math.floor(Math.random() * 2 ** 30));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
}

const { minutes, seed, kinds } = flags;
const temporary = flags.folder === undefined ? mkdtempSync(path.join(tmpdir(), 'lars-soak-')) : undefined;
const folder = temporary ?? path.resolve(flags.folder as string);
const faults = shuffledFaults(
  ALL_FAULTS.filter(({ kind }) => kinds.includes(kind)),
  seededRandom(seed),
);
const randomOf = (round: number) => seededRandom(seed + round);
const say = (line: string) => process.stdout.write(`${line}\n`);

const run = await SoakRun.create({ folder, minutes, callsPerSec: CALLS_PER_SEC }, { faults, randomOf, say });
process.once('exit', () => {
  run.abandon();
  if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

say(`seed ${seed}, ${minutes} minutes, files in ${folder}`);
try {
  const result = await run.run();
  const date = new Date().toISOString().slice(0, 10);
  const text = formatSoak(result, { minutes, seed, callsPerSec: CALLS_PER_SEC, date, machine: describeMachine() });
  say(`\n${text}`);
  if (flags.write) writeFileSync(PAGE, withMarkedPart(readFileSync(PAGE, 'utf8'), 'soak', text));
  for (const line of result.broken) process.stderr.write(`broken with seed ${seed}: ${line}\n`);
  if (result.broken.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`seed ${seed}: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
