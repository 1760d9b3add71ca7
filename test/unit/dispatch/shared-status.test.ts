import { StatusView, WorkerStatus } from '@lars/dispatch/shared-status';
import { expect, test } from 'vitest';

function pair(open = 0) {
  const page = { words: new Int32Array(16) };
  return { page, view: new StatusView(page, open), status: new WorkerStatus(page) };
}

test('what a worker takes is seen, and nothing after the account is closed', () => {
  const { view, status } = pair(2);
  expect([view.open, view.takenSince(0)]).toEqual([2, 0]);
  expect([status.take(3, 5), view.open, view.takenSince(0), view.takenSince(1)]).toEqual([true, 5, 3, 2]);
  view.close();
  expect([status.take(1, 6), status.taken, view.takenSince(3)]).toEqual([false, 3, 0]);
});

test('counts go around', () => {
  const { page, view, status } = pair();
  const most = 2 ** 31 - 1;
  status.take(most, 1);
  expect(view.takenSince(most)).toBe(0);
  status.take(2, 3);
  expect([status.taken, page.words[0], view.takenSince(most)]).toEqual([1, 1, 2]);
  view.release(most);
  expect([status.isKeptBack(most), status.isKeptBack(most + 1)]).toEqual([false, true]);
  view.release(1);
  expect([status.isKeptBack(most + 1), status.isKeptBack(1)]).toEqual([false, true]);
});

test('a connection is held back until it is released', () => {
  const { view, status } = pair();
  status.take(2, 2);
  expect([status.isKeptBack(1), status.isKeptBack(2)]).toEqual([true, true]);
  view.release(1);
  expect([status.isKeptBack(1), status.isKeptBack(2)]).toEqual([false, true]);
});

test('what has not changed need not be read, except after asking', () => {
  const { view, status } = pair();
  expect(view.isUnchanged).toBe(false);
  expect([view.takenSince(0), view.open, view.isUnchanged]).toEqual([0, 0, true]);
  status.tellOpen(1);
  expect(view.isUnchanged).toBe(false);
  expect([view.open, view.isUnchanged]).toEqual([1, true]);
  status.take(1, 1);
  expect(view.isUnchanged).toBe(false);
  expect([view.takenSince(0), view.isUnchanged]).toEqual([1, true]);
  view.ask(true);
  expect(view.isUnchanged).toBe(false);
});

test('a dispatcher asks, and asks no more', () => {
  const { view, status } = pair();
  view.ask(true);
  expect(status.isAsked).toBe(true);
  view.ask(false);
  expect(status.isAsked).toBe(false);
});

test('a page that is closed is not touched', () => {
  const { page, status } = pair();
  page.words = new Int32Array(0);
  expect(() => status.take(1, 1)).toThrow(RangeError);
});
