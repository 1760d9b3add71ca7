/**
 * The whole system in virtual time, with everything going wrong: see cluster/README.md. A failing seed is printed with the command that
 * plays it again. The seeds run in processes of their own, because there time, sockets and disks are not Node's.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const INSTALL = fileURLToPath(new URL('cluster/host/install.ts', import.meta.url));
const RUN = fileURLToPath(new URL('cluster/run.ts', import.meta.url));
/** Some 20 s on a machine with two cores that does nothing else. */
const SEEDS = ['1-100', '101-200'];
const TIMEOUT_MS = 600_000;

async function play(seeds: string, ...options: string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, ['--conditions=source', '--import', INSTALL, RUN, '--seeds', seeds, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
  });
  const exited = once(child, 'exit');
  const output = await text(child.stdout);
  const [code] = (await exited) as [number | null];
  return { code, output };
}

test(
  `seeds ${SEEDS.join(' and ')}: no promise is broken`,
  async () => {
    for (const { code, output } of await Promise.all(SEEDS.map(seeds => play(seeds)))) expect(code, output).toBe(0);
  },
  TIMEOUT_MS,
);

/** What happens in the last seed that was played, but for the name of the folder of its databases. */
function lastOf(output: string): string[] {
  const lines = output.replaceAll(/lars-simulation-\w+/g, 'folder').split('\n');
  return lines.slice(lines.findLastIndex(line => line.includes(' PLAN '))).filter(line => !line.startsWith('seeds '));
}

test(
  'a seed is the same every time, alone and after others',
  async () => {
    const [alone, after] = await Promise.all([play('7', '--trace'), play('5-7', '--trace')]);
    expect(lastOf(alone.output).length).toBeGreaterThan(100);
    expect(lastOf(after.output)).toEqual(lastOf(alone.output));
  },
  TIMEOUT_MS,
);
