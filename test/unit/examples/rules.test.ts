import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AdaptiveRules, type ClassicRules, rulesText } from '../../../examples/demo/rules.ts';

const adaptive: AdaptiveRules = {
  algorithm: 'adaptive',
  probeShare: 0.07,
  backoffMinSeconds: 2,
  backoffMaxSeconds: 44,
  onAllOverloaded: 'probe',
};
const classic: ClassicRules = {
  algorithm: 'classic',
  continErrLimit: 7,
  continSuccLimit: 6,
  errRate: 0.2,
  succRate: 0.8,
  probeNum: 4,
  overloadTimeoutSeconds: 33,
};

describe('the rules in words', () => {
  test('of classic have the numbers that the agent ran with', () => {
    const text = rulesText(classic);
    for (const part of [
      '7 failures of a host in a row',
      '20.0 % of its calls fail',
      'one pick in 5',
      'keeps 20.0 % of the calls',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toContain('After 33 s');
    expect(text).toContain('80.0 % of its probes, or 6 in a row');
  });

  test('of adaptive have them too', () => {
    const text = rulesText(adaptive);
    expect(text).toContain('from about 2 s to 44 s');
    expect(text).toContain('at most 7.0 % of its fair share');
  });

  test('say what happens when no host is left, as the conf has it', () => {
    const texts = (['probe', 'all', 'refuse'] as const).map(onAllOverloaded => rulesText({ ...adaptive, onAllOverloaded }));
    expect(texts[0]).toContain('one call at a time is sent to an ejected host');
    expect(texts[1]).toContain('as though they were well');
    expect(texts[2]).toContain('calls are refused until a probe succeeds');
  });

  test.each([adaptive, classic])('cite rules that the documentation has: $algorithm', rules => {
    const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/load-balancing.md'), 'utf8');
    const cited = rulesText(rules).match(/(AD|LB)-\d+/g) ?? [];
    expect(cited.length).toBeGreaterThan(3);
    for (const number of cited) expect(page).toContain(`- **${number}** `);
  });
});
