/** What the soak makes of its counts: figures, broken promises, and a table. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { withMarkedPart } from '../../../scripts/marked-part.ts';
import type { RoundCounts } from '../../../scripts/soak/caller-messages.ts';
import { ALL_FAULTS, shuffledFaults } from '../../../scripts/soak/faults/all-faults.ts';
import { parseFlags } from '../../../scripts/soak/flags.ts';
import { type Bounds, brokenByGrowth, brokenByRound } from '../../../scripts/soak/promises.ts';
import { addedFigures, type Figures, roundFigures } from '../../../scripts/soak/round-result.ts';
import { formatSoak } from '../../../scripts/soak/soak-page.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const ROOT = path.join(import.meta.dirname, '../../..');

const BOUNDS: Bounds = {
  outageMs: 1_000,
  recoveryMs: 2_000,
  lostWithAgent: 90,
  doubledByEnd: 7,
  doubledByMove: 60,
  growthFactor: 2,
  growthBytes: 1_000,
  growthDescriptors: 5,
};

/** Ten calls of each module that succeeded, and one of the first that failed. */
const counts = (round: number, more: Partial<RoundCounts> = {}): RoundCounts => ({
  round,
  calls: 31,
  noHost: {},
  accepted: { 1: { succ: 10, err: 1 }, 2: { succ: 10, err: 0 }, 3: { succ: 10, err: 0 } },
  longestOutageMs: 20,
  ...more,
});

const stored = (round: number, succ: number, err = 2): [string, { succ: number; err: number }][] => [
  [`1/${round}`, { succ, err }],
  [`2/${round}`, { succ: 20, err: 0 }],
  [`3/${round}`, { succ: 20, err: 0 }],
];

const figuresOf = (succ: number, err?: number) =>
  roundFigures(
    { round: 4, recoveryMs: 5 },
    [counts(4), counts(4), counts(5)],
    new Map([...stored(4, succ, err), ...stored(5, 1)]),
  );

describe('figures', () => {
  test('the counts of all callers are compared with the databases, round by round', () => {
    expect(figuresOf(20)).toMatchObject({ calls: 62, failed: 2, lost: 0, doubled: 0, longestOutageMs: 20, longestRecoveryMs: 5 });
    expect(figuresOf(17)).toMatchObject({ lost: 3, doubled: 0 });
    // What is missing of one outcome is not made up for by another.
    expect(figuresOf(22, 0)).toMatchObject({ lost: 2, doubled: 2 });
  });

  test('a module that no database has is lost whole', () => {
    expect(roundFigures({ round: 4, recoveryMs: 0 }, [counts(4)], new Map())).toMatchObject({ lost: 31 });
  });

  test('those of a kind are added, and the longest stays', () => {
    const one: Figures = { ...figuresOf(17), noHost: { A: 1 }, longestOutageMs: 900 };
    const other: Figures = { ...figuresOf(25), noHost: { A: 2, B: 1 } };
    const added = addedFigures([one, other]);
    expect(added).toMatchObject({ thrown: 2, calls: 124, lost: 3, doubled: 5, noHost: { A: 3, B: 1 }, longestOutageMs: 900 });
    expect(addedFigures([one, { ...other, longestRecoveryMs: undefined }]).longestRecoveryMs).toBeUndefined();
  });
});

describe('promises', () => {
  const kept = figuresOf(20);
  test.each<[string, Partial<Figures>, Parameters<typeof brokenByRound>[1], string[]]>([
    ['nothing', {}, 'none', []],
    ['a call without a host', { noHost: { LARS_TIMEOUT: 2 } }, 'none', ['2 calls had no host: LARS_TIMEOUT']],
    ['an outage', { longestOutageMs: 1_001 }, 'none', ['a module had no host for 1.0 s, at most 1.0 s']],
    ['no recovery', { longestRecoveryMs: undefined }, 'none', ['not all services were well after 2.0 s']],
    ['a loss', { lost: 1 }, 'none', ['1 results lost, at most 0']],
    ['a loss with an agent that was killed', { lost: 90, doubled: 7 }, 'killed agent', []],
    ['too large a loss with it', { lost: 91 }, 'killed agent', ['91 results lost, at most 90']],
    ['a loss with an agent that was stopped', { lost: 1, doubled: 7 }, 'stopped agent', ['1 results lost, at most 0']],
    ['too many counted twice by it', { doubled: 8 }, 'stopped agent', ['8 results counted twice, at most 7']],
    ['a double count', { doubled: 1 }, 'none', ['1 results counted twice, at most 0']],
    ['a double count with a file that was moved', { doubled: 60 }, 'moved file', []],
    ['a loss with it', { lost: 1 }, 'moved file', ['1 results lost, at most 0']],
  ])('%s', (_, figures, allowance, broken) => {
    expect(brokenByRound({ ...kept, ...figures }, allowance, BOUNDS)).toEqual(broken);
  });

  test('memory and descriptors may grow a little', () => {
    const begin = { residentBytes: 1_000, descriptors: 10 };
    expect(brokenByGrowth(begin, { residentBytes: 3_000, descriptors: 15 }, BOUNDS)).toEqual([]);
    expect(brokenByGrowth(begin, { residentBytes: 3_001, descriptors: 16 }, BOUNDS)).toHaveLength(2);
    expect(brokenByGrowth(undefined, undefined, BOUNDS)).toEqual([]);
  });
});

describe('faults', () => {
  test('each kind is there once', () => {
    const kinds = ALL_FAULTS.map(({ kind }) => kind);
    expect(new Set(kinds).size).toBe(kinds.length);
  });

  test('each comes once before any comes again, in the order of the seed', () => {
    const taken = (seed: number) => {
      const faults = shuffledFaults(ALL_FAULTS, seededRandom(seed));
      return Array.from({ length: 2 * ALL_FAULTS.length }, () => faults.next().value);
    };
    const faults = taken(1);
    expect(new Set(faults.slice(0, ALL_FAULTS.length)).size).toBe(ALL_FAULTS.length);
    expect(new Set(faults.slice(ALL_FAULTS.length)).size).toBe(ALL_FAULTS.length);
    expect(taken(1)).toEqual(faults);
    expect(taken(2)).not.toEqual(faults);
  });
});

describe('flags', () => {
  test('what is not said has a default', () => {
    expect(parseFlags([], ['a', 'b'], 9)).toEqual({ minutes: 5, seed: 9, write: false, kinds: ['a', 'b'], folder: undefined });
    expect(parseFlags(['--minutes', '0.5', '--seed', '3', '--only', 'b', '--write'], ['a', 'b'], 9)).toMatchObject({
      minutes: 0.5,
      seed: 3,
      kinds: ['b'],
      write: true,
    });
  });

  test.each([
    [['--minutes', '0'], '--minutes'],
    [['--minutes', 'long'], '--minutes'],
    [['--seed', '1.5'], '--seed'],
    [['--only', 'a,c'], "--only: 'c' is none of a, b"],
    [['--wite'], '--wite'],
  ])('%j is refused', (args, text) => {
    expect(() => parseFlags(args, ['a', 'b'], 9)).toThrow(text);
  });
});

describe('the page', () => {
  const kinds = ALL_FAULTS.map(fault => ({ fault, figures: figuresOf(20) }));
  const at = { minutes: 8, seed: 3, callsPerSec: 300, date: '2026-01-02', machine: 'a machine' };

  test('a row for each kind, and what was broken', () => {
    const result = { kinds, all: figuresOf(17), growth: [], broken: ['kill-agent: a\nb'] };
    const text = formatSoak(result, at);
    for (const { kind } of ALL_FAULTS) expect(text).toContain(`| ${kind} | `);
    expect(text).toContain('| **all** | | 1 | 62 | 0 | 2 | 0.0 s | 0.0 s | 3 | 0 |');
    expect(text).toContain('- kill-agent: a b');
    expect(formatSoak({ ...result, broken: [] }, at)).toContain('No promise was broken.');
  });

  test('docs/reliability.md has a table of faults that there are', () => {
    const page = readFileSync(path.join(ROOT, 'docs/reliability.md'), 'utf8');
    expect(withMarkedPart(withMarkedPart(page, 'soak', 'x'), 'soak', 'y')).toBe(withMarkedPart(page, 'soak', 'y'));
    const [table = ''] = page.split('| fault | what it is |')[1]?.split('\n\n') ?? [];
    const rows = [...table.matchAll(/^\| ([a-z\d-]+) \| ([^|]+) \| \d/gm)].map(([, kind, text]) => `${kind}: ${text}`);
    expect(rows.length).toBeGreaterThan(ALL_FAULTS.length / 2);
    expect(ALL_FAULTS.map(({ kind, text }) => `${kind}: ${text}`)).toEqual(expect.arrayContaining(rows));
  });
});
