import { describe, expect, test } from 'vitest';
import { MANY, ONE } from '../../../reactor/src/uring/operations.ts';
import { Receives } from '../../../reactor/src/uring/receives.ts';
import { HAS_BUFFER, MORE_FOLLOWS, Operation } from '../../../reactor/src/uring/ring.ts';
import { Word } from '../../../reactor/src/uring/watches.ts';
import { openUnansweringRing } from '../../support/unanswering-ring.ts';

const FD = 5;
const ECANCELED = -125;
const ECONNRESET = -104;

/** Receives of one descriptor. */
function openReceives() {
  const { parts, entries } = openUnansweringRing();
  const { watches, operations } = parts;
  const receives = new Receives(parts, () => undefined);
  watches.add(FD, 1);
  receives.begin(FD);
  return { receives, watches, operations, entries, token: watches.get(FD, Word.receive) };
}

const moreFrom = (buffer: number): number => HAS_BUFFER | MORE_FOLLOWS | (buffer << 16);

test('what comes in many results is told as one, and not kept when it was taken and its turn is over', () => {
  const { receives, token } = openReceives();
  expect([receives.finish(token, 2, moreFrom(1)), receives.finish(token, 1, moreFrom(2))]).toEqual([false, false]);
  expect(receives.take(FD)).toBeUndefined();
  expect(receives.finish(token, ECANCELED, 0)).toBe(true);
  receives.giveBackAll();
  expect([receives.take(FD), ...receives.bytesOf(FD)]).toEqual([3, 1, 1, 2]);
  receives.giveBackAll();
  expect(receives.bytesOf(FD)).toHaveLength(0);
});

describe('a receive of many that may not hear of a break', () => {
  function breakMany() {
    const world = openReceives();
    world.operations.setDetail(world.token, MANY);
    world.entries.length = 0;
    expect(world.receives.isMany(FD)).toBe(true);
    world.receives.endMany(FD);
    expect(world.entries).toEqual([Operation.cancel]);
    // Whoever says so again cancels nothing more.
    world.receives.endMany(FD);
    expect(world.entries).toEqual([Operation.cancel]);
    return world;
  }

  test('is followed by one of one', () => {
    const { receives, entries, token, watches, operations } = breakMany();
    expect(receives.finish(token, ECANCELED, 0)).toBe(false);
    expect(entries).toEqual([Operation.cancel, Operation.receive]);
    const next = watches.get(FD, Word.receive);
    expect([operations.detailOf(next), receives.isMany(FD)]).toEqual([ONE, false]);
    expect([receives.finish(next, ECONNRESET, 0), receives.take(FD)]).toEqual([true, ECONNRESET]);
  });

  test.each([0, ECONNRESET])('tells %i, which it has heard all the same', result => {
    const { receives, entries, token } = breakMany();
    expect([receives.finish(token, result, 0), receives.take(FD)]).toEqual([true, result]);
    expect(entries).toEqual([Operation.cancel]);
  });

  test('tells the bytes that came before it was cancelled, and the error behind them', () => {
    const { receives, token } = breakMany();
    expect(receives.finish(token, 3, moreFrom(7))).toBe(false);
    expect(receives.finish(token, ECONNRESET, 0)).toBe(true);
    expect([receives.take(FD), ...receives.bytesOf(FD), receives.take(FD)]).toEqual([3, 7, 7, 7, ECONNRESET]);
  });
});

test('a receive of one is none of many', () => {
  const { receives, token } = openReceives();
  expect(receives.isMany(FD)).toBe(false);
  receives.finish(token, 0, 0);
  expect(receives.isMany(FD)).toBe(false);
});
