/** Several processes play seeds side by side: each is given the next few when it has played the last ones. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Totals } from './totals.ts';

const HERE = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** So few that the processes end at about the same time, so many that their starts cost little. */
const SEEDS_AT_A_TIME = 50;

export interface SharedPlay {
  readonly from: number;
  readonly to: number;
  readonly workers: number;
  readonly stopsAtFirst: boolean;
  print(line: string): void;
}

/** Plays all seeds, with a line for each portion that is done. */
export async function playShared({ from, to, workers, stopsAtFirst, print }: SharedPlay): Promise<Totals> {
  const totals = new Totals();
  let next = from;
  const work = async () => {
    while (next <= to && !(stopsAtFirst && totals.found > 0)) {
      const first = next;
      next += SEEDS_AT_A_TIME;
      const played = await playPortion(`${first}-${Math.min(to, next - 1)}`, stopsAtFirst, print);
      totals.addAll(played);
      print(`${totals.seeds} of ${to - from + 1} seeds are played, ${totals.found} found something`);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return totals;
}

async function playPortion(seeds: string, stopsAtFirst: boolean, print: (line: string) => void): Promise<Totals> {
  const options = ['--seeds', seeds, '--shared', ...(stopsAtFirst ? ['--first'] : [])];
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import', HERE('host/install.ts'), HERE('run.ts'), ...options],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const stop = () => child.kill();
  process.on('exit', stop);
  let played: Totals | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) played = Object.assign(new Totals(), JSON.parse(line));
    else print(line);
  }
  await exited;
  process.off('exit', stop);
  if (played === undefined) throw new Error(`the process that played the seeds ${seeds} has ended without a result`);
  return played;
}
