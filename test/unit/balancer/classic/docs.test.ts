import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CLASSIC_DEFAULTS } from '../../../../agent/src/balancer/classic/classic.ts';

const page = readFileSync(new URL('../../../../docs/load-balancing.md', import.meta.url), 'utf8');

describe('docs/load-balancing.md', () => {
  test('its table tells the shipped defaults, timeouts in seconds', () => {
    const documented = Object.fromEntries(
      [...page.matchAll(/^\| ([a-z_]+) \| ([0-9.]+|true|false) \|/gm)].map(([, key, value]) => [key, value]),
    );
    const { idleTimeoutMs, overloadTimeoutMs, ...others } = CLASSIC_DEFAULTS;
    const shipped = { ...others, idleTimeout: idleTimeoutMs / 1_000, overloadTimeout: overloadTimeoutMs / 1_000 };
    for (const [name, value] of Object.entries(shipped)) {
      const key = name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
      expect(documented[key], key).toBe(String(value));
    }
  });

  test('it has the rules LB-1 to LB-11, each once, in order', () => {
    const rules = [...page.matchAll(/^- \*\*(LB-\d+)\*\*/gm)].map(match => match[1]);
    expect(rules).toEqual(Array.from({ length: 11 }, (_, i) => `LB-${i + 1}`));
  });
});
