import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ALGORITHMS, ORACLE } from '../../../bench/balancing/algorithms.ts';
import { standingsOf } from '../../../bench/balancing/measure/standings.ts';
import { playPlan } from '../../../bench/balancing/measure/tournament.ts';
import { page } from '../../../bench/balancing/page/page.ts';
import { scenarioTable, standingsTable } from '../../../bench/balancing/page/standings-tables.ts';
import { fixed, markdownTable, percent, seconds } from '../../../bench/balancing/page/table.ts';
import { worldCloud } from '../../../bench/balancing/page/world-cloud.ts';
import { habitTable, worldStandingsTable, worstWorldsTable } from '../../../bench/balancing/page/world-tables.ts';
import { PLANS } from '../../../bench/balancing/scenarios/all.ts';
import { GROUPS, type Plan } from '../../../bench/balancing/scenarios/plan.ts';
import { Draw } from '../../../bench/balancing/sim/draw.ts';
import { randomStream } from '../../../bench/balancing/sim/random.ts';
import { playWorldReport } from '../../../bench/balancing/world-report.ts';
import { drawWorlds } from '../../../bench/balancing/worlds/draw-world.ts';
import type { WorldParameters } from '../../../bench/balancing/worlds/world-parameters.ts';

const DOCS = path.join(import.meta.dirname, '../../../docs');
const NAMES = [ORACLE, ...ALGORITHMS].map(contender => contender.name);

describe('numbers in tables', () => {
  test('are short, and a dash where there are none', () => {
    expect([fixed(1.005, 1), fixed(-0.001, 2), fixed(-0.01, 2), fixed(Number.NaN, 2)]).toEqual(['1.0', '0.00', '-0.01', '–']);
    expect([seconds(1_234), seconds(45_678), seconds(Number.NaN), percent(0.123_4, 1)]).toEqual(['1.2', '46', '–', '12.3 %']);
  });

  test('a table is as wide as its widest cells, numbers to the right', () => {
    const lines = ['| name | points |', '| ---- | -----: |', '| a    |      1 |', '| bcde |    234 |'];
    expect(
      markdownTable(
        ['name', 'points'],
        [
          ['a', '1'],
          ['bcde', '234'],
        ],
      ),
    ).toBe(lines.join('\n'));
  });
});

describe('the scenarios', () => {
  test('have names of their own, and every group has some', () => {
    expect(new Set(PLANS.map(plan => plan.name)).size).toBe(PLANS.length);
    expect([...new Set(PLANS.map(plan => plan.group))]).toEqual([...GROUPS]);
  });

  test.each(PLANS)('$name changes only hosts that it has, and only while calls come', ({ name, build }) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { hosts, timeline, durationMs, focus } = build(new Draw(randomStream(seed, `plan ${name}`)));
      for (const change of timeline) {
        expect(change.hosts.filter(host => hosts[host] === undefined)).toEqual([]);
        expect(change.atMs).toBeGreaterThan(0);
        // The last hiccup may reach over the end.
        expect(change.atMs).toBeLessThan(durationMs + 2_500);
      }
      expect(focus === undefined || focus.toMs < durationMs).toBe(true);
    }
  });
});

describe('a page', () => {
  const plan = PLANS.find(one => one.name === 'one-of-three') as Plan;
  const entries = playPlan(plan, ORACLE, ALGORITHMS, [1]);
  const standings = NAMES.map(name =>
    standingsOf(
      name,
      entries.filter(entry => entry.algorithm === name),
    ),
  );

  test('has the numbers that were measured, and all tables', () => {
    const worlds = playWorldReport(1);
    const written = page(standings, entries, NAMES, 1, worlds);
    for (const table of [worldStandingsTable(worlds.standings), worstWorldsTable(worlds.results, 10), habitTable(worlds.habits)])
      expect(written).toContain(table);
    expect(written).toContain(standingsTable(standings));
    expect(written).toContain(scenarioTable(entries, NAMES));
    for (const entry of entries.slice(1)) expect(written).toContain(`${fixed(entry.cost, 2)} (${fixed(entry.lostPoints, 2)}, `);
    expect(written).not.toMatch(/undefined|NaN|\[object/);
  });

  test('the one in docs tells of every scenario, algorithm and picture that there is', () => {
    const written = readFileSync(path.join(DOCS, 'balancing.md'), 'utf8');
    const rows = written.split('\n').filter(line => line.startsWith('| '));
    const rowsOf = (name: string) => rows.filter(row => row.split('|')[1]?.trim() === name);
    for (const { name, about } of PLANS) expect(rowsOf(name).join()).toContain(about);
    for (const name of NAMES) expect(rowsOf(name).length).toBeGreaterThanOrEqual(2);
    const pictures = [...written.matchAll(/\]\((balancing\/[^)]+\.svg)\)/g)].map(match => match[1] as string);
    expect(pictures.length).toBeGreaterThanOrEqual(4);
    for (const picture of pictures) expect(existsSync(path.join(DOCS, picture))).toBe(true);
  });
});

describe('the cloud of worlds', () => {
  const [world] = drawWorlds('well', 1, 1) as [WorldParameters];
  const result = { world, cost: 1, roundRobinCost: 1, refused: 0, starved: 0, fairness: 1 };
  const troubled = { ...result, world: { ...world, kind: 'troubled' as const }, cost: 500, roundRobinCost: 0 };
  const svg = worldCloud('ours', [result, troubled]);
  const points = [...svg.matchAll(/<circle cx="([^"]*)" cy="([^"]*)" r="3.5" class="(fill-\d)"/g)].map(([, x, y, name]) => [
    Number(x),
    Number(y),
    name,
  ]);

  test('has a point for each, in the colour of its kind, those of equal COST on the line', () => {
    expect(points.map(([, , name]) => name)).toEqual(['fill-1', 'fill-5']);
    const [x1, y1, x2, y2] =
      /<line x1="(\d+)" y1="(\d+)" x2="(\d+)" y2="(\d+)" class="axis"/.exec(svg)?.slice(1).map(Number) ?? [];
    const [[x = 0, y = 0]] = points as [number[]];
    expect((x - Number(x1)) / (Number(x2) - Number(x1))).closeTo((y - Number(y1)) / (Number(y2) - Number(y1)), 0.001);
    // What is worse than the paper is high stands at its edge.
    expect(points[1]?.slice(0, 2)).toEqual([Number(x1), Number(y2)]);
  });

  test('says what it shows, and is readable in the dark', () => {
    for (const label of ['a well world', 'a troubled world', 'COST of ours', 'COST of round robin'])
      expect(svg).toContain(`>${label}<`);
    expect(svg).toContain('@media (prefers-color-scheme:dark)');
  });
});
