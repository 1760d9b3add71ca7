/** What is sent on without being told. */
import { expect, test } from 'vitest';
import { RECEIVED_BYTES } from '../../../reactor/src/native/readiness-set.ts';
import { Kind, MANY, ONE } from '../../../reactor/src/uring/operations.ts';
import { HAS_BUFFER, MORE_FOLLOWS, Operation } from '../../../reactor/src/uring/ring.ts';
import { Sends } from '../../../reactor/src/uring/sends.ts';
import { NONE, State, Word } from '../../../reactor/src/uring/watches.ts';
import { openUnansweringRing } from '../../support/unanswering-ring.ts';

const [FROM, TO] = [5, 6];
/** As many events as fit. */
const EVENTS_MAX = 128;
const from = (buffer: number, flags = 0): number => HAS_BUFFER | flags | (buffer << 16);

function openSends() {
  const { parts, entries } = openUnansweringRing();
  const { watches, operations } = parts;
  const watched: number[] = [];
  const sends = new Sends(parts, fd => watched.push(fd));
  for (const fd of [FROM, TO]) watches.add(fd, 1);
  const token = operations.open(Kind.receive, FROM);
  watches.set(FROM, Word.receive, token);
  sends.beginSendingOn(FROM, TO);
  const sent = () => {
    sends.onSubmitted();
    sends.settle();
  };
  return { ...parts, sends, entries, watched, token, sent };
}

test('small messages are sent on one by one, from the fourth on received by one entry, beside which breaks are looked for', () => {
  const { sends, operations, entries, watched, token, sent } = openSends();
  for (let message = 1; message <= 4; message++) {
    expect([watched, operations.detailOf(token)]).toEqual([[], ONE]);
    expect(sends.sendOn(token, 40, from(message))).toBe(true);
    expect(entries.splice(0)).toEqual([Operation.send, Operation.receive]);
    sent();
  }
  expect([watched, operations.detailOf(token)]).toEqual([[FROM], MANY]);
  expect(sends.sendOn(token, 40, from(5, MORE_FOLLOWS))).toBe(true);
  expect(entries).toEqual([Operation.send]);
});

test('what comes while a send is under way there is told: two at once might leave a gap', () => {
  const { sends, watches, entries, token, sent } = openSends();
  expect(sends.sendOn(token, 40, from(1))).toBe(true);
  expect(sends.sendOn(token, 40, from(2))).toBe(false);
  expect(entries).toEqual([Operation.send, Operation.receive]);
  expect(watches.get(FROM, Word.forwardTo)).toBe(NONE);
  sent();
  expect(sends.sendOn(token, 40, from(3))).toBe(false);
});

test('what comes when a receive of many is about to end is gathered, and not sent on behind its back', () => {
  const { sends, watches, entries, token } = openSends();
  watches.mark(FROM, State.isGathering);
  expect(sends.sendOn(token, 40, from(1))).toBe(false);
  expect(entries).toEqual([]);
});

test.each([
  ['the end', 0, 0],
  ['a failure', -104, 0],
  ['a buffer that is full', RECEIVED_BYTES, from(1)],
])('%s is told, and messages count anew', (_, result, flags) => {
  const { sends, watches, entries, token, sent } = openSends();
  expect(sends.sendOn(token, 40, from(1))).toBe(true);
  sent();
  entries.length = 0;
  expect(sends.sendOn(token, result, flags)).toBe(false);
  expect([entries, watches.messagesOf(FROM), watches.get(TO, Word.forwardFrom)]).toEqual([[], 0, NONE]);
});

test('a send goes on until the kernel has got it, and its end is told to who waits for it', () => {
  const { sends, watches, events, token, sent } = openSends();
  sends.sendOn(token, 40, from(1));
  sends.settle();
  expect(sends.isSending(TO)).toBe(true);
  expect([sends.isAwaited, sends.takeSent(TO), sends.isAwaited]).toEqual([false, undefined, true]);
  sent();
  expect([sends.isSending(TO), sends.isAwaited, sends.takeSent(TO)]).toEqual([false, false, 0]);
  expect([events.count, events.fdOf(0), watches.get(TO, Word.other)]).toEqual([1, TO, NONE]);
});

test('nobody is told of a send for which nobody waits', () => {
  const { sends, events, token, sent } = openSends();
  sends.sendOn(token, 40, from(1));
  sent();
  expect([sends.isSending(TO), events.count]).toEqual([false, 0]);
});

test.each([
  [10, 30],
  [-11, 40],
])('a send that has failed (%i) is told with what it leaves over, and its token is free in its turn', (result, left) => {
  const { sends, watches, operations, events, token, sent } = openSends();
  sends.sendOn(token, 40, from(7));
  const sending = watches.get(TO, Word.other);
  sends.onSubmitted();
  sends.fail(sending, result);
  expect(operations.open(Kind.poll, FROM)).not.toBe(sending);
  expect([events.count, events.fdOf(0), watches.get(FROM, Word.forwardTo)]).toEqual([1, TO, NONE]);
  expect([sends.takeSent(TO), sends.takeUnsent(TO)]).toEqual([result, new Uint8Array(left).fill(7)]);
  sent();
  expect([sends.isSending(TO), events.count, operations.open(Kind.poll, FROM)]).toEqual([false, 1, sending]);
});

test('who waits for a send and closes is waited for no more; another descriptor of its number is told nothing', () => {
  const { sends, watches, operations, events, token, sent } = openSends();
  sends.sendOn(token, 40, from(1));
  sends.takeSent(TO);
  sends.forget(TO);
  operations.cancel(watches.get(TO, Word.other));
  watches.add(TO, 2);
  const next = operations.open(Kind.send, TO);
  watches.set(TO, Word.other, next);
  expect(sends.isAwaited).toBe(false);
  sent();
  expect([events.count, operations.count, watches.get(TO, Word.other)]).toEqual([0, 2, next]);
});

test('ends of sends for which there is no room are told with the next wait', () => {
  const { sends, events, token, sent } = openSends();
  sends.sendOn(token, 40, from(1));
  sends.takeSent(TO);
  for (let event = 0; event < EVENTS_MAX; event++) events.add(FROM, 1, 1);
  sent();
  expect(sends.isSending(TO)).toBe(true);
  events.clear();
  sends.settle();
  expect([sends.isSending(TO), events.count]).toEqual([false, 1]);
});

test('a send that was begun behind those that the kernel has got stays', () => {
  const { sends, watches, operations, token } = openSends();
  const [other, otherTo] = [8, 9];
  for (const fd of [other, otherTo]) watches.add(fd, 1);
  const second = operations.open(Kind.receive, other);
  sends.beginSendingOn(other, otherTo);
  sends.sendOn(token, 40, from(1));
  sends.onSubmitted();
  sends.sendOn(second, 40, from(2));
  sends.settle();
  expect([sends.isSending(TO), sends.isSending(otherTo)]).toEqual([false, true]);
  sends.onSubmitted();
  sends.settle();
  expect(sends.isSending(otherTo)).toBe(false);
});
