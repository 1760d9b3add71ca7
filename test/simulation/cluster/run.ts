/**
 * Plays seeds: node --conditions=source --import ./test/simulation/cluster/host/install.ts test/simulation/cluster/run.ts --seeds 1-100 [--trace]
 * Prints each seed that finds something, and how to play it again; the exit code says whether there was one.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { installGlobals } from './host/globals.ts';
import { kernel } from './host/kernel.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1-100' },
    trace: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
});
const [from = 1, to = from] = values.seeds.split('-').map(Number);
const print = (line: string) => process.stdout.write(`${line}\n`);

if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || to < from) {
  process.stderr.write(`--seeds ${values.seeds} is neither a number nor a range like 1-100\n`);
  process.exit(2);
}

// In memory, where the system has such a place: a database that is flushed with each commit is slow on a disk.
const memory = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true ? '/dev/shm' : tmpdir();
const folder = mkdtempSync(`${memory}/lars-simulation-`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const realNow = performance.now.bind(performance);
const beganMs = realNow();
installGlobals();
const { playSeed } = await import('./play-seed.ts');
for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, error => kernel.onUncaught(error));

let [found, picks, calls, virtualMs] = [0, 0, 0, 0];
if (values.trace) kernel.traced = print;
for (let seed = from; seed <= to; seed++) {
  const result = await playSeed(seed, folder);
  picks += result.picks;
  calls += result.calls;
  virtualMs += result.virtualMs;
  if (result.violation === undefined) continue;
  found += 1;
  print(`seed ${seed}: ${result.violation}`);
  print(`  play it again, with all that happens: npm run simulation -- --seeds ${seed} --trace`);
  if (values.first) break;
}
const { user, system } = process.cpuUsage();
const cpuSeconds = ((user + system) / 1_000_000).toFixed(1);
const seconds = ((realNow() - beganMs) / 1_000).toFixed(1);
print(
  `seeds ${from}-${to}: ${found} found something; ${picks} picks, ${calls} calls counted, ${Math.round(virtualMs / 1_000)} s in ${seconds} s, ${cpuSeconds} s of CPU`,
);
process.exit(found === 0 ? 0 : 1);
