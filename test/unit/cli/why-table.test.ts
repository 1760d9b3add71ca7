import { expect, test } from 'vitest';
import { type HostWhy, whyText } from '../../../cli/src/output/why-table.ts';

const plain = (_style: string, text: string) => text;
const idle: HostWhy = { host: '10.0.0.1:80', weight: 0, zone: '', state: 'idle', share: 0.909, numbers: { errRun: 0 } };
const overloaded: HostWhy = {
  ...idle,
  host: '10.0.0.2:80',
  state: 'overloaded',
  share: 1 / 11,
  numbers: { errRun: 2, stateMs: 4200.12345 },
  last: { to: 'overloaded', cause: 'failure-run', agoMs: 4_200, numbers: { errRun: 15, limit: 15 } },
};

test('one line a host: state, share, how it came to that, and what is counted now', () => {
  const hosts = [idle, overloaded];
  const text = whyText({ modid: 1, cmdid: 1, state: 'serving', algorithm: 'classic', version: 7, hosts }, plain);
  expect(text.split('\n').map(line => line.split(/ {2,}/))).toEqual([
    ['host', 'state', 'share', 'last change', 'now'],
    ['10.0.0.1:80', 'idle', '90.9%', '-', 'errRun 0'],
    ['10.0.0.2:80', 'overloaded', '9.1%', 'overloaded 4 s ago: failure-run (limit 15), errRun 15', 'errRun 2, stateMs 4200.123'],
    [''],
    ['2 hosts, version 7, balanced by classic'],
    [''],
  ]);
});
