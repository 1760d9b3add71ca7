/**
 * Plays seeds: node --conditions=source --import ./test/simulation/cluster/host/install.ts test/simulation/cluster/run.ts --seeds 1-100 [--trace]
 * Prints each seed that finds something, and how to play it again; the exit code says whether there was one. With --workers N, N processes
 * share the seeds.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { installGlobals } from './host/globals.ts';
import { kernel } from './host/kernel.ts';
import { playShared } from './run-workers.ts';
import { formatTable, formatTotals, Totals } from './totals.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-100' },
    trace: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    /** Of a process that shares the seeds with others: its totals are a line for the one that has started it. */
    shared: { type: 'boolean', default: false },
  },
});
const [from = 1, to = from] = values.seeds.split('-').map(Number);
const workers = Number(values.workers);
const print = (line: string) => process.stdout.write(`${line}\n`);

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || to < from)
  refuse(`--seeds ${values.seeds} is neither a number nor a range like 1-100`);
if (!Number.isSafeInteger(workers) || workers < 1 || workers > 64)
  refuse(`--workers ${values.workers} is no number from 1 to 64`);
if (workers > 1 && values.trace) refuse('--trace is for one worker: the lines of several would be mixed');

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
const realNow = performance.now.bind(performance);
const beganMs = realNow();
const totals = workers > 1 ? await playShared({ from, to, workers, stopsAtFirst: values.first, print }) : await playHere();
if (values.shared) print(JSON.stringify(totals));
else {
  const seconds = (realNow() - beganMs) / 1_000;
  if (workers > 1) for (const line of formatTable(totals)) print(line);
  print(`seeds ${from}-${to}: ${formatTotals(totals, seconds)}`);
}
process.exit(totals.found === 0 ? 0 : 1);

async function playHere(): Promise<Totals> {
  // In memory, where the system has such a place: a database that is flushed with each commit is slow on a disk.
  const memory = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();
  const folder = mkdtempSync(`${memory}/lars-simulation-`);
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  installGlobals();
  const { playSeed } = await import('./play-seed.ts');
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, error => kernel.onUncaught(error));
  const played = new Totals();
  if (values.trace) kernel.traced = print;
  for (let seed = from; seed <= to; seed++) {
    const result = await playSeed(seed, folder);
    played.addSeed(result);
    if (result.violation === undefined) continue;
    print(`seed ${seed}: ${result.violation}`);
    print(`  play it again, with all that happens: npm run simulation -- --seeds ${seed} --trace`);
    if (values.first) break;
  }
  const { user, system } = process.cpuUsage();
  played.cpuSeconds = (user + system) / 1_000_000;
  return played;
}
