import type { ModuleSummary } from '@lars/agent';
import { expect, test } from 'vitest';
import { troubledModulesText } from '../../../cli/src/output/module-table.ts';
import type { ModulesWhy } from '../../../cli/src/output/module-why.ts';

const plain = (_style: string, text: string) => text;

function summary(modid: number, details: Partial<ModuleSummary> = {}): ModuleSummary {
  const counts = { hosts: 4, ejected: 0, probation: 0, draining: 0, avoided: 0 };
  return {
    modid,
    cmdid: 1,
    algorithm: 'adaptive',
    ...counts,
    picksPerSec: 1_234.5,
    isShedding: false,
    isErring: false,
    ...details,
  };
}

function text(modules: readonly ModuleSummary[], more: Partial<ModulesWhy> = {}): string {
  return troubledModulesText({ active: modules.length, picksPerSec: 12.3, inTrouble: 0, modules, ...more }, plain);
}

test('where no module is in trouble that is all there is to say', () => {
  expect(text([summary(1)])).toBe('No module is in trouble (1 module, 12 picks a second).\n');
});

test('the modules in trouble are listed, the worst first', () => {
  const modules = [
    summary(1),
    summary(2, { avoided: 1, errorRate: 0.031, expectedMs: 12 }),
    summary(3, { ejected: 1 }),
    summary(4, { ejected: 3, draining: 1 }),
    summary(5, { isShedding: true }),
    summary(6, { draining: 4 }),
    summary(7, { probation: 1 }),
    summary(8, { isErring: true, errorRate: 1 }),
  ];
  const lines = text(modules, { inTrouble: 8 }).split('\n');
  expect(lines[0]).toBe('8 of 8 modules in trouble (12 picks a second):');
  const states = lines.slice(3, 10).map(line => line.split(/ {2,}/).slice(0, 2));
  expect(states).toEqual([
    ['5/1', 'refuses calls'],
    ['6/1', 'all drain'],
    ['8/1', 'calls fail'],
    ['4/1', 'all ejected'],
    ['3/1', 'ejected'],
    ['2/1', 'avoided'],
    ['7/1', 'probation'],
  ]);
  expect(lines[8]).toBe('2/1     avoided            4        0        1    1,235    3.1%  12 ms');
  expect(lines.slice(11)).toEqual(['1 more in trouble.', 'lars why MODID/CMDID says why.', '']);
});

test('a shard that did not answer is told of', () => {
  expect(text([], { missingShards: 1 })).toContain('1 shard of the agent did not answer in time.');
});
