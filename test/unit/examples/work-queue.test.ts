import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WorkQueue } from '../../../examples/demo/work-queue.ts';

/** Adds jobs by number and remembers which have started, in their order. */
function queueOf(slots: number) {
  const queue = new WorkQueue(slots);
  const started: number[] = [];
  const add = (job: number) => queue.add(() => started.push(job));
  return { queue, started, add };
}

describe('the work of a server', () => {
  test('starts at once while slots are free, then in the order of coming', () => {
    const { queue, started, add } = queueOf(2);
    const end = [0, 1, 2, 3].map(add);
    expect(started).toEqual([0, 1]);
    expect(queue).toMatchObject({ running: 2, waiting: 2 });
    end[1]?.();
    expect(started).toEqual([0, 1, 2]);
    end[0]?.();
    expect(started).toEqual([0, 1, 2, 3]);
    expect(queue).toMatchObject({ running: 2, waiting: 0 });
  });

  test('one that ends while it waits is never started', () => {
    const { queue, started, add } = queueOf(1);
    const end = [0, 1, 2].map(add);
    end[1]?.();
    end[0]?.();
    expect(started).toEqual([0, 2]);
    expect(queue).toMatchObject({ running: 1, waiting: 0 });
  });

  test('one that ends twice gives one slot', () => {
    const { started, add } = queueOf(1);
    const end = [0, 1, 2].map(add);
    end[0]?.();
    end[0]?.();
    expect(started).toEqual([0, 1]);
  });

  test('the same function added twice is two jobs', () => {
    const queue = new WorkQueue(1);
    let starts = 0;
    const start = () => {
      starts += 1;
    };
    const end = queue.add(start);
    queue.add(start);
    expect(starts).toBe(1);
    end();
    expect(starts).toBe(2);
  });

  test('more slots start those that wait, fewer interrupt nobody', () => {
    const { queue, started, add } = queueOf(1);
    const end = [0, 1, 2].map(add);
    queue.resize(Number.POSITIVE_INFINITY);
    expect(started).toEqual([0, 1, 2]);
    queue.resize(1);
    add(3);
    expect(queue).toMatchObject({ running: 3, waiting: 1 });
    end[0]?.();
    end[1]?.();
    expect(started).toEqual([0, 1, 2]);
    end[2]?.();
    expect(started).toEqual([0, 1, 2, 3]);
  });

  test('nobody waits while a slot is free, and no more run than there are slots', () => {
    const actions = fc.array(fc.oneof(fc.constant('add' as const), fc.nat(30)), { maxLength: 100 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), actions, (slots, what) => {
        const { queue, started, add } = queueOf(slots);
        const ends: (() => void)[] = [];
        const ended = new Set<number>();
        for (const action of what) {
          if (action === 'add') ends.push(add(ends.length));
          else if (ends[action] !== undefined) {
            ends[action]();
            ended.add(action);
          }
          const open = ends.length - ended.size;
          expect(queue.running).toBe(Math.min(slots, open));
          expect(queue.waiting).toBe(open - queue.running);
        }
        expect(started).toEqual([...started].sort((a, b) => a - b));
      }),
    );
  });
});
