import { expect, test } from 'vitest';
import { outageIntroduction, troublesIntroduction } from '../../../examples/demo/introduction.ts';
import { TROUBLES } from '../../../examples/demo/troubles.ts';

const common = { hosts: 6, ratePerSecond: 150, seed: 1, json: false };

test('the outage is introduced with its length, and what will happen when', () => {
  const text = outageIntroduction({ ...common, algorithm: 'classic', phaseSeconds: [1.5, 2, 3] }, 16).join(' ');
  expect(text).toContain('about 7 s');
  expect(text).toContain('6 HTTP servers');
  expect(text).toContain("balances by 'classic'");
  expect(text).toContain('After 1.5 s a server is stopped, and 2 s later');
});

test('the troubles are introduced with the length of all of them', () => {
  const options = { ...common, troubles: TROUBLES.slice(0, 2), troubleSeconds: 8, quietSeconds: 4 };
  const text = troublesIntroduction(options, ['adaptive', 'round robin']).join(' ');
  expect(text).toContain('about 28 s');
  expect(text).toContain('2 ways to choose a server: adaptive, round robin');
  expect(text).toContain('8 s each: all-well, brown-out.');
});
