import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SendQueue } from '../../../reactor/src/native/send-queue.ts';
import { UnreadBytes } from '../../../reactor/src/unread-bytes.ts';

test('a send queue gives what was pushed, in order, whatever is taken at a time', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), (all, room, taken) => {
      const queue = new SendQueue();
      for (const piece of all) queue.push(piece);
      const target = new Uint8Array(room);
      const sent: number[] = [];
      while (queue.bytes > 0) {
        const filled = queue.peek(target);
        const count = Math.min(filled, taken);
        sent.push(...target.subarray(0, count));
        queue.drop(count);
      }
      expect(sent).toEqual(all.flatMap(piece => [...piece]));
      expect(queue.peek(target)).toBe(0);
    }),
  );
});

test('unread bytes: the last given back comes first, and what is appended comes last', () => {
  const unread = new UnreadBytes();
  const given = Uint8Array.of(3);
  unread.giveBack(given);
  unread.giveBack(Uint8Array.of(1, 2));
  unread.append(Uint8Array.of(4));
  given[0] = 9;
  expect(unread.bytes).toBe(4);
  expect(unread.next()).toEqual(Uint8Array.of(1, 2));
  expect(unread.takeAll()).toEqual([Uint8Array.of(3), Uint8Array.of(4)]);
  expect(unread.isEmpty).toBe(true);
});
