import { expect, test } from 'vitest';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { Events } from '../../../reactor/src/uring/events.ts';
import { Operations } from '../../../reactor/src/uring/operations.ts';
import type { ReceiveBuffers } from '../../../reactor/src/uring/receive-buffers.ts';
import { Receives } from '../../../reactor/src/uring/receives.ts';
import { HAS_BUFFER, MORE_FOLLOWS, type Ring } from '../../../reactor/src/uring/ring.ts';
import { Watches, Word } from '../../../reactor/src/uring/watches.ts';

const FD = 5;
const ECANCELED = -125;
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

test('what comes in many results is told as one, and not kept when it was taken and its turn is over', () => {
  const watches = new Watches();
  const buffers = { view: (number: number, length: number) => new Uint8Array(length).fill(number), giveBack: () => undefined };
  const receives = new Receives(
    {
      core: new EngineCore({ log: silent, nowMs: () => 0 }),
      ring: { add: () => 0, setField: () => undefined } as unknown as Ring,
      buffers: buffers as unknown as ReceiveBuffers,
      operations: new Operations(),
      watches,
      events: new Events(),
    },
    () => undefined,
  );
  watches.add(FD, 1);
  receives.begin(FD);
  const token = watches.get(FD, Word.receive);
  const from = (buffer: number): number => HAS_BUFFER | MORE_FOLLOWS | (buffer << 16);
  expect([receives.finish(token, 2, from(1)), receives.finish(token, 1, from(2))]).toEqual([false, false]);
  expect(receives.take(FD)).toBeUndefined();
  expect(receives.finish(token, ECANCELED, 0)).toBe(true);
  receives.giveBackAll();
  expect([receives.take(FD), ...receives.bytesOf(FD)]).toEqual([3, 1, 1, 2]);
  receives.giveBackAll();
  expect(receives.bytesOf(FD)).toHaveLength(0);
});
