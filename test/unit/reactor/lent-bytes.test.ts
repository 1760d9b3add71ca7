import { expect, test } from 'vitest';
import { LentBytes } from '../../../reactor/src/uring/lent-bytes.ts';
import type { ReceiveBuffers } from '../../../reactor/src/uring/receive-buffers.ts';
import { State, Watches, Word } from '../../../reactor/src/uring/watches.ts';

const FD = 5;

/** Buffers whose bytes are their numbers, and the numbers that were given back. */
function openLent() {
  const watches = new Watches();
  const givenBack: number[] = [];
  const copied: number[] = [];
  const buffers = {
    view: (number: number, length: number) => new Uint8Array(length).fill(number),
    giveBack: (number: number) => givenBack.push(number),
  };
  const lent = new LentBytes(watches, buffers as unknown as ReceiveBuffers, fd => copied.push(fd));
  watches.add(FD, 1);
  return { watches, lent, givenBack, copied };
}

test('bytes that nobody takes are copied; the copy stays until it is taken, and to the end of that turn', () => {
  const { watches, lent, givenBack, copied } = openLent();
  watches.mark(FD, State.hasResult);
  watches.set(FD, Word.result, 3);
  watches.set(FD, Word.buffer, 7);
  lent.add(FD);
  for (let wait = 0; wait < 3; wait++) lent.giveBackAll();
  expect([[...lent.of(FD)], givenBack, copied]).toEqual([[7, 7, 7], [7], [FD]]);
  watches.unmark(FD, State.hasResult);
  lent.add(FD);
  expect([...lent.of(FD)]).toEqual([7, 7, 7]);
  lent.giveBackAll();
  expect([lent.of(FD).length, watches.is(FD, State.hasCopy)]).toEqual([0, false]);
});

test('what is gathered stays together, and nothing of it is kept for a connection that is read with calls afterwards', () => {
  const { watches, lent, givenBack } = openLent();
  lent.gather(FD, 1, 2);
  lent.gather(FD, 2, 1);
  expect([[...lent.of(FD)], givenBack]).toEqual([
    [1, 1, 2],
    [1, 2],
  ]);
  lent.add(FD);
  lent.giveBackAll();
  expect([lent.of(FD).length, watches.is(FD, State.hasCopy)]).toEqual([0, false]);
});

test('a buffer of a descriptor that is no more goes back at the end of the turn, once', () => {
  const { watches, lent, givenBack } = openLent();
  watches.set(FD, Word.buffer, 9);
  lent.add(FD);
  lent.forget(FD);
  watches.remove(FD);
  expect(givenBack).toEqual([]);
  lent.giveBackAll();
  lent.giveBackAll();
  expect(givenBack).toEqual([9]);
});
