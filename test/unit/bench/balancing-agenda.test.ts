import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Agenda } from '../../../bench/balancing/sim/agenda.ts';
import { Fifo } from '../../../bench/balancing/sim/fifo.ts';

test('what was put down happens in the order of time, and of writing where times are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), times => {
      const agenda = new Agenda();
      const seen: [number, number][] = [];
      for (const [order, atMs] of times.entries()) agenda.at(atMs, () => seen.push([agenda.nowMs, order]));
      agenda.run();
      const sorted = times.map((atMs, order): [number, number] => [atMs, order]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      expect(seen).toEqual(sorted);
    }),
  );
});

test('an action may put down more, for now as well', () => {
  const agenda = new Agenda();
  const seen: string[] = [];
  agenda.at(5, () => {
    agenda.after(0, () => seen.push(`inner ${agenda.nowMs}`));
    agenda.after(3, () => seen.push(`later ${agenda.nowMs}`));
  });
  agenda.at(6, () => seen.push('between'));
  agenda.run();
  expect(seen).toEqual(['inner 5', 'between', 'later 8']);
});

test.each([4, Number.NaN])('nothing is planned for %s ms when it is 5 ms', atMs => {
  const agenda = new Agenda();
  agenda.at(5, () => agenda.at(atMs, () => undefined));
  expect(() => agenda.run()).toThrow(`it is 5 ms; nothing can be planned for ${atMs}`);
});

test('a Fifo is an array with push and shift', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(), fc.constant('shift' as const)), { maxLength: 3_000, size: 'max' }), steps => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      for (const step of steps) {
        if (step === 'shift') expect(fifo.shift()).toBe(model.shift());
        else {
          fifo.push(step);
          model.push(step);
        }
        expect(fifo.length).toBe(model.length);
      }
      expect(fifo.takeAll()).toEqual(model);
      expect(fifo.length).toBe(0);
    }),
    { numRuns: 30 },
  );
});
