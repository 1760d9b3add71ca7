/**
 * Measures how good the decisions of the balancers are, in virtual time, and writes docs/balancing.md and docs/balancing/*.svg:
 * `node bench/balancing/run.ts`. With `--print` it only prints, and so it does when it plays only a part: `--quick` (one seed, few random worlds),
 * `--scenario NAME[,NAME]` (no random worlds), `--seed N` (the first seed). `--detail` prints all that is measured of each scenario.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ALGORITHMS, ORACLE } from './algorithms.ts';
import { type Flags, parseFlags } from './flags.ts';
import { type Standings, standingsOf } from './measure/standings.ts';
import { type Entry, playPlan } from './measure/tournament.ts';
import { Curves } from './page/curves.ts';
import { lostCallDots, p99Dots } from './page/dots.ts';
import { page } from './page/page.ts';
import { detailTable, groupTable, scenarioTable, standingsTable } from './page/standings-tables.ts';
import { worldCloud } from './page/world-cloud.ts';
import { habitTable, worldStandingsTable, worstWorldsTable } from './page/world-tables.ts';
import { playWorldReport, type WorldReport } from './world-report.ts';

const DOCS = path.join(import.meta.dirname, '../../docs');
const NAMES = [ORACLE, ...ALGORITHMS].map(contender => contender.name);

try {
  run(parseFlags(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

function run(flags: Flags): void {
  const startedMs = performance.now();
  const curves = new Curves();
  const entries = flags.plans.flatMap(plan => {
    const played = playPlan(plan, ORACLE, ALGORITHMS, flags.seeds, curves.watch);
    if (flags.detail) print(`${plan.name}: ${plan.about}`, detailTable(played));
    return played;
  });
  const standings = NAMES.map(name =>
    standingsOf(
      name,
      entries.filter(entry => entry.algorithm === name),
    ),
  );
  print(standingsTable(standings), groupTable(standings), scenarioTable(entries, NAMES));
  const tookSec = ((performance.now() - startedMs) / 1_000).toFixed(0);
  const { plans, seeds } = flags;
  print(`scenarios: ${plans.length}; algorithms: ${NAMES.length}; seeds: ${seeds.join(', ')}; ${tookSec} s`);
  if (flags.worlds === 0) return;
  const worlds = playWorldReport(flags.worlds);
  print(worldStandingsTable(worlds.standings), worstWorldsTable(worlds.results, 10), habitTable(worlds.habits));
  if (flags.writes) write(standings, entries, curves, seeds.length, worlds);
}

function write(
  standings: readonly Standings[],
  entries: readonly Entry[],
  curves: Curves,
  seeds: number,
  worlds: WorldReport,
): void {
  const files: Readonly<Record<string, string>> = {
    'balancing/dying-host.svg': curves.dyingHost(NAMES),
    'balancing/brown-out.svg': curves.brownOut(NAMES),
    'balancing/lost-calls.svg': lostCallDots(entries, NAMES),
    'balancing/p99.svg': p99Dots(entries, NAMES),
    'balancing/worlds.svg': worldCloud(NAMES[1] as string, worlds.results),
    'balancing.md': page(standings, entries, NAMES, seeds, worlds),
  };
  mkdirSync(path.join(DOCS, 'balancing'), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(DOCS, name), content);
  print('wrote docs/balancing.md and docs/balancing/*.svg');
}

function print(...paragraphs: readonly string[]): void {
  for (const paragraph of paragraphs) process.stdout.write(`${paragraph}\n\n`);
}
