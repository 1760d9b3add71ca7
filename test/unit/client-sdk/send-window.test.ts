import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HOST_WINDOW, type InWindow, PROBE_AFTER_MS, SendWindow } from '../../../client-sdk/src/link/send-window.ts';

const { full: WINDOW_SIZE, probe: PROBE_SIZE } = HOST_WINDOW;

interface Entry extends InWindow<Entry> {
  readonly id: number;
}

/** A window in which `count` entries wait, numbered from 0. */
function windowOf(count: number): { window: SendWindow<Entry>; entries: Entry[] } {
  const window = new SendWindow<Entry>(HOST_WINDOW);
  const entries = Array.from({ length: count }, (_, id) => newEntry(id));
  for (const entry of entries) window.enter(entry);
  return { window, entries };
}

function newEntry(id: number): Entry {
  return { id, place: 'outside', prev: undefined, next: undefined };
}

function takeAll(window: SendWindow<Entry>, nowMs: number): number[] {
  const ids: number[] = [];
  for (let next = window.takeNext(nowMs); next !== undefined; next = window.takeNext(nowMs)) ids.push(next.id);
  return ids;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('SendWindow', () => {
  test('lets a window full of requests go, in the order in which they came', () => {
    const { window } = windowOf(WINDOW_SIZE + 10);
    expect(takeAll(window, 0)).toEqual(range(0, WINDOW_SIZE));
    expect(window.waitingCount).toBe(10);
  });

  test('an answer makes room for as many as were sent up to its request', () => {
    const { window, entries } = windowOf(WINDOW_SIZE * 2);
    takeAll(window, 0);
    window.onAnswer(entries[0] as Entry);
    expect(takeAll(window, 0)).toEqual([WINDOW_SIZE]);
    window.onAnswer(entries[4] as Entry);
    expect(takeAll(window, 0)).toEqual(range(WINDOW_SIZE + 1, WINDOW_SIZE + 5));
    window.onAnswer(entries[2] as Entry);
    expect(takeAll(window, 0)).toEqual([]);
  });

  test('one that is given up makes room for one; while it waits, it is never sent', () => {
    const { window, entries } = windowOf(WINDOW_SIZE + 3);
    window.leave(entries[WINDOW_SIZE + 1] as Entry);
    takeAll(window, 0);
    window.leave(entries[5] as Entry);
    window.leave(entries[5] as Entry);
    expect(takeAll(window, 0)).toEqual([WINDOW_SIZE]);
    window.leave(entries[6] as Entry);
    expect(takeAll(window, 0)).toEqual([WINDOW_SIZE + 2]);
  });

  test('without any answer a few go out on every PROBE_AFTER_MS', () => {
    const { window } = windowOf(WINDOW_SIZE * 2);
    takeAll(window, 100);
    expect(window.wakeAtMs).toBe(100 + PROBE_AFTER_MS);
    window.probe(100 + PROBE_AFTER_MS - 1);
    expect(takeAll(window, 100 + PROBE_AFTER_MS - 1)).toEqual([]);
    for (const times of [1, 2, 3]) {
      const nowMs = 100 + times * PROBE_AFTER_MS;
      window.probe(nowMs);
      expect(takeAll(window, nowMs)).toHaveLength(PROBE_SIZE);
      expect(window.wakeAtMs).toBe(nowMs + PROBE_AFTER_MS);
    }
  });

  test('time alone makes no room: the answers may be there and unread', () => {
    const { window } = windowOf(WINDOW_SIZE + 1);
    takeAll(window, 0);
    expect(takeAll(window, PROBE_AFTER_MS * 100)).toEqual([]);
  });

  test('asks for no wake while no request waits, and none before something was sent', () => {
    const { window } = windowOf(2);
    expect(window.wakeAtMs).toBeUndefined();
    takeAll(window, 0);
    expect(window.wakeAtMs).toBeUndefined();
  });

  test('before an agent that reads in order and answers what it likes, never more than a window lies unread; all are sent in order', () => {
    const step = fc.oneof(
      fc.record({ enter: fc.nat(40) }),
      fc.record({ read: fc.nat(40), keep: fc.nat(3) }),
      fc.constant('take'),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const window = new SendWindow<Entry>(HOST_WINDOW);
        const entries: Entry[] = [];
        const unread: number[] = [];
        let sent = 0;
        const take = () => {
          for (const id of takeAll(window, 0)) {
            expect(id).toBe(sent++);
            unread.push(id);
          }
          expect(unread.length).toBeLessThanOrEqual(WINDOW_SIZE);
        };
        for (const step of steps) {
          if (step === 'take') take();
          else if ('enter' in step) {
            for (let i = 0; i < step.enter; i++) {
              const entry = newEntry(entries.length);
              entries.push(entry);
              window.enter(entry);
            }
          } else {
            const answers = unread.splice(0, step.read).filter(id => id % 4 > step.keep);
            for (const id of answers) window.onAnswer(entries[id] as Entry);
            take();
          }
        }
        for (let nowMs = PROBE_AFTER_MS; window.waitingCount > 0; nowMs += PROBE_AFTER_MS) {
          window.probe(nowMs);
          for (const id of takeAll(window, nowMs)) expect(id).toBe(sent++);
        }
        expect(sent).toBe(entries.length);
      }),
    );
  });
});
