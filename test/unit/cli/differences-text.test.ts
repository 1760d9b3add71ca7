import type { HostInfo } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { formatHistory } from '../../../cli/src/output/change-set-table.ts';
import { differencesDocument, formatDifferences } from '../../../cli/src/output/differences-text.ts';

const plain = (_style: string, text: string) => text;
const HOST: HostInfo = { ip: 0x0a000001, port: 80, weight: 0, addr: '', zone: '', drain: false };
const MODULE = { modid: -1, cmdid: 2 };

describe('a difference', () => {
  test.each([
    [undefined, HOST, '+ -1/2 10.0.0.1:80'],
    [undefined, { ...HOST, weight: 100 }, '+ -1/2 10.0.0.1:80'],
    [{ ...HOST, weight: 7, zone: 'e\u001bu', drain: true }, undefined, '- -1/2 10.0.0.1:80 weight 7 zone e?u drain'],
    [HOST, { ...HOST, weight: 50, zone: 'eu' }, '~ -1/2 10.0.0.1:80 weight 100 → 50, zone none → eu'],
    [{ ...HOST, drain: true, zone: 'eu' }, HOST, '~ -1/2 10.0.0.1:80 zone eu → none, drain yes → no'],
  ])('is a line with what is different', (before, after, line) => {
    expect(formatDifferences({ hosts: [{ ...MODULE, before, after }], invalidRows: 0 }, plain)).toBe(`${line}\n`);
  });

  test('of many is cut where that is wanted, and rows without sense are counted', () => {
    const hosts = [1, 2, 3].map(port => ({ ...MODULE, before: undefined, after: { ...HOST, port } }));
    expect(formatDifferences({ hosts, invalidRows: 4 }, plain, 1)).toBe(
      '+ -1/2 10.0.0.1:1\n… and 2 more\n- 4 rows that make no sense\n',
    );
    expect(formatDifferences({ hosts, invalidRows: 0 }, plain).split('\n')).toHaveLength(4);
  });

  test('for machines has both hosts in the one shape', () => {
    const document = differencesDocument({ hosts: [{ ...MODULE, before: HOST, after: undefined }], invalidRows: 0 });
    expect(document.differences).toEqual([
      { ...MODULE, before: { host: '10.0.0.1', port: 80, weight: 100, zone: '', drain: false }, after: null },
    ]);
  });
});

test('the history shows nothing of a terminal, and says what is not recorded', () => {
  const set = {
    revision: 7,
    author: 'ann',
    machine: 'm1',
    command: 'lars \u001b[2J',
    reason: 'why\nnot',
    time: '2026-01-02T03:04:05.678Z',
  };
  const counts = { added: 2, updated: 0, removed: 3, modules: 1 };
  const text = formatHistory(
    { sinceRevision: 4, changeSets: [{ ...set, ...counts }], unrecorded: { ...counts, removed: 0 } },
    plain,
  );
  expect(text).toBe(
    'revision  time                  who     changed  command: reason\n' +
      '       7  2026-01-02T03:04:05Z  ann@m1  +2 -3    lars ?[2J: why?not\n\n' +
      'changed by hand and not recorded yet: +2\nall changes behind revision 4 are known\n',
  );
});
