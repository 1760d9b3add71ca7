import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlineHeap } from '../../../client-sdk/src/util/deadline-heap.ts';

const entry = (deadlineMs: number) => ({ deadlineMs, heapIndex: -1 });

describe('DeadlineHeap', () => {
  test('gives what is due in the order of the deadlines, whatever was added and removed before', () => {
    const step = fc.oneof(fc.record({ add: fc.nat(50) }), fc.record({ remove: fc.nat(100) }), fc.record({ due: fc.nat(50) }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const heap = new DeadlineHeap<ReturnType<typeof entry>>();
        let model: ReturnType<typeof entry>[] = [];
        for (const step of steps) {
          if ('add' in step) {
            const added = entry(step.add);
            heap.add(added);
            model.push(added);
          } else if ('remove' in step) {
            const [removed] = model.splice(step.remove % Math.max(1, model.length), 1);
            if (removed !== undefined) expect(heap.remove(removed)).toBe(true);
            if (removed !== undefined) expect(heap.remove(removed)).toBe(false);
          } else {
            const given: number[] = [];
            for (let due = heap.takeDue(step.due); due !== undefined; due = heap.takeDue(step.due)) given.push(due.deadlineMs);
            const expected = model.filter(left => left.deadlineMs <= step.due).map(left => left.deadlineMs);
            expect(given).toEqual(expected.sort((a, b) => a - b));
            model = model.filter(left => left.deadlineMs > step.due);
          }
          expect(heap.size).toBe(model.length);
          expect(heap.nextMs).toBe(model.length === 0 ? undefined : Math.min(...model.map(left => left.deadlineMs)));
        }
      }),
    );
  });

  test('an entry that takes the place of a removed one rises above later ones', () => {
    const heap = new DeadlineHeap<ReturnType<typeof entry>>();
    const inTheHeap = [1, 100, 2, 101, 102, 3, 4, 103, 104, 105, 106, 5, 6, 7, 8];
    const entries = inTheHeap.map(entry);
    for (const one of entries) heap.add(one);
    heap.remove(entries[3] as ReturnType<typeof entry>);
    const given = Array.from({ length: 14 }, () => heap.takeDue(Number.POSITIVE_INFINITY)?.deadlineMs);
    expect(given).toEqual(inTheHeap.filter(deadlineMs => deadlineMs !== 101).sort((a, b) => a - b));
  });

  test('an entry of another heap is not removed', () => {
    const heap = new DeadlineHeap<ReturnType<typeof entry>>();
    const other = new DeadlineHeap<ReturnType<typeof entry>>();
    const mine = entry(1);
    const theirs = entry(1);
    heap.add(mine);
    other.add(theirs);
    expect(heap.remove(theirs)).toBe(false);
    expect(heap.size).toBe(1);
  });
});
