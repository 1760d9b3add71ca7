/** What is sent on without being told. */
import { expect, test } from 'vitest';
import { RECEIVED_BYTES } from '../../../reactor/src/native/readiness-set.ts';
import { Kind, MANY, ONE } from '../../../reactor/src/uring/operations.ts';
import { HAS_BUFFER, MORE_FOLLOWS, Operation } from '../../../reactor/src/uring/ring.ts';
import { Sends } from '../../../reactor/src/uring/sends.ts';
import { NONE, State, Word } from '../../../reactor/src/uring/watches.ts';
import { openUnansweringRing } from '../../support/unanswering-ring.ts';

const [FROM, TO] = [5, 6];
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
  const sent = () => sends.finish(watches.get(TO, Word.other), 40);
  return { sends, watches, operations, entries, watched, token, sent };
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
