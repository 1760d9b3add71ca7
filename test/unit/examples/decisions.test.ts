import { describe, expect, test } from 'vitest';
import { Decisions } from '../../../examples/demo/decisions.ts';

const A = '127.0.0.1:4001';
const changed = (to: string, host = A) => ({
  level: 'info' as const,
  event: `host ${to}`,
  fields: { module: '1/1', host, cause: 'failure-run', errRun: 15, limit: 15 },
});

describe('what LARS logged', () => {
  test('a host that changed sides is kept with its numbers, and shown in words', () => {
    const decisions = new Decisions(2);
    decisions.add(changed('ejected'), 120);
    expect(decisions.all).toEqual([
      { host: A, to: 'ejected', cause: 'failure-run', numbers: { errRun: 15, limit: 15 }, atMs: 120 },
    ]);
    expect(decisions.lines).toEqual([`LARS: ${A} ejected: a run of 15 failures, limit 15 (LB-7)`]);
  });

  test('only the last lines are shown, and all that was decided is kept', () => {
    const decisions = new Decisions(2);
    for (let i = 0; i < 5; i++) decisions.add(changed('healthy', `h${i}:80`), i);
    expect(decisions.lines.map(line => line.slice(0, 10))).toEqual(['LARS: h3:8', 'LARS: h4:8']);
    expect(decisions.all.map(({ atMs }) => atMs)).toEqual([0, 1, 2, 3, 4]);
  });

  test('what went wrong is shown too, and what is well is not', () => {
    const decisions = new Decisions(3);
    decisions.add({ level: 'warn', event: 'link down', fields: { host: 'x', error: 'refused', port: 7 } }, 0);
    decisions.add({ level: 'info', event: 'agent ready', fields: { ip: 'y' } }, 0);
    expect(decisions.lines).toEqual(['LARS: link down x refused']);
    expect(decisions.all).toEqual([]);
  });

  test.each([
    ['in the trouble', 1_000, 500, 200],
    ['before it', 1_300, 500, undefined],
    ['after it', 1_000, 200, undefined],
    ['in one that lasts', 1_000, undefined, 200],
  ])('when a host was taken out is told of the trouble: %s', (_when, beganMs, lastedMs, expected) => {
    const decisions = new Decisions(1);
    decisions.add(changed('ejected', 'other:80'), 1_150);
    decisions.add(changed('healthy'), 1_180);
    decisions.add(changed('ejected'), 1_200);
    expect(decisions.takenOutMs({ host: A, beganMs, lastedMs })).toBe(expected);
  });

  test('where no host was in trouble, the first one counts that was taken out', () => {
    const decisions = new Decisions(1);
    decisions.add(changed('healthy', 'other:80'), 1_100);
    decisions.add(changed('ejected', 'other:80'), 1_150);
    decisions.add(changed('ejected'), 1_200);
    expect(decisions.takenOutMs({ host: undefined, beganMs: 1_000, lastedMs: 500 })).toBe(150);
    expect(decisions.takenOutMs({ host: undefined, beganMs: 1_000, lastedMs: 100 })).toBeUndefined();
  });
});
