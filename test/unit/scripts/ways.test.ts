/** What `npm run ways` counts, and that its totals stand in docs/architecture.md. The figures are those of a machine and a day. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type RanFile, ranEachTime } from '../../../scripts/ways/ran-lines.ts';
import { formatTotals, formatWay, withTotals } from '../../../scripts/ways/texts.ts';

const ROOT = path.join(import.meta.dirname, '../../..');
/** As many as make a file one to follow. */
const TEN_LINES = Array.from({ length: 10 }, (_, line) => line);
const WAYS = ['getHost', 'report', 'change of a route'];
const KEYS = ['[agent] route_wait', '[loadbalance] update_timeout', '[loadbalance] probe_share', '[dnsserver] max_subscriptions'];

const ran = (file: string, lines: number, ranLines: readonly number[], functions: readonly string[] = []): RanFile => ({
  file,
  lines,
  ranLines: new Set(ranLines),
  functions: new Set(functions),
});
const byFile = (...files: readonly RanFile[]) => new Map(files.map(file => [file.file, file]));

test('what ran some of the times only is no part of the way', () => {
  const files = ranEachTime([
    byFile(ran('agent/src/a.ts', 9, [1, 2, 3], ['f', 'g']), ran('agent/src/timer.ts', 9, [1])),
    byFile(ran('agent/src/a.ts', 9, [2, 3, 4], ['g', 'h'])),
  ]);
  expect(files).toEqual([ran('agent/src/a.ts', 9, [2, 3], ['g'])]);
  expect(ranEachTime([])).toEqual([]);
});

describe('the texts', () => {
  const way = {
    name: 'getHost',
    files: [
      ran('proto/src/b.ts', 20, [1, 2, 3, 4, 5], ['read']),
      ran('agent/src/a.ts', 1_000, TEN_LINES, ['f']),
      ran('agent/src/getter.ts', 50, [1]),
    ],
  };

  test('name each file with its lines, those with most that ran first, and the totals', () => {
    expect(formatWay(way).split('\n')).toEqual([
      'getHost',
      'file                 lines   ran  functions',
      'agent/src/a.ts        1000    10  f',
      'proto/src/b.ts          20     5  read',
      'agent/src/getter.ts     50     1',
      '',
      'getHost | 1 | 1,000 | 10 | 2 | 1,020 | 15 | 3 | 1,070 | 16',
      '',
    ]);
  });

  test('go between the markers of the page, again and again', () => {
    const text = formatTotals([way], [{ name: '[agent] a', files: ['x', 'y'] }], 'mmsg');
    expect(text).toContain('| getHost | 1 | 1,000 | 10 | 2 | 1,020 | 15 | 3 | 1,070 | 16 |');
    expect(text).toContain('`[agent] a` 2');
    const page = 'before\n<!-- ways: begin -->\nold\n<!-- ways: end -->\nafter\n';
    const once = withTotals(page, text);
    expect(once).toBe(`before\n<!-- ways: begin -->\n${text}\n<!-- ways: end -->\nafter\n`);
    expect(withTotals(once, text)).toBe(once);
    expect(() => withTotals('no markers', text)).toThrow('ways: begin');
  });
});

test('the script measures all ways and counts all keys', { timeout: 180_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(ROOT, 'scripts/ways.ts')], { cwd: ROOT });
  for (const way of WAYS) {
    const [, ...counts] = new RegExp(`^\\| ${way} \\| (.*) \\|$`, 'm').exec(stdout)?.[1]?.split(' | ') ?? [];
    expect(counts).toHaveLength(8);
    for (const count of counts) expect(Number(count.replaceAll(',', ''))).toBeGreaterThan(0);
  }
  for (const key of KEYS) expect(stdout).toMatch(new RegExp(`\`${key.replace(/[[\]]/g, '\\$&')}\` [1-9]`));
});

test('the totals stand in docs/architecture.md', () => {
  const page = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
  const [, text = ''] = /<!-- ways: begin -->\n([\s\S]*)\n<!-- ways: end -->/.exec(page) ?? [];
  for (const way of WAYS) expect(text).toContain(`| ${way} | `);
  for (const key of KEYS) expect(text).toContain(`\`${key}\``);
});
