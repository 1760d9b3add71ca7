/** The parts of a set of io_uring, on a kernel that answers nothing: a test says what comes. */
import { EngineCore } from '../../reactor/src/engine-core.ts';
import { Events } from '../../reactor/src/uring/events.ts';
import { Operations } from '../../reactor/src/uring/operations.ts';
import type { ReceiveBuffers } from '../../reactor/src/uring/receive-buffers.ts';
import type { Ring } from '../../reactor/src/uring/ring.ts';
import type { SetParts } from '../../reactor/src/uring/set-parts.ts';
import { Watches } from '../../reactor/src/uring/watches.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface UnansweringRing {
  readonly parts: SetParts;
  /** What the kernel was told to do, in order: numbers of Operation. */
  readonly entries: number[];
}

/** The bytes in a buffer are its number. */
export function openUnansweringRing(): UnansweringRing {
  const entries: number[] = [];
  const ring = {
    add: (operation: number) => entries.push(operation & 0xff),
    setField: () => undefined,
    setAddress: () => undefined,
  };
  const buffers = {
    addressOf: (number: number) => number,
    view: (number: number, length: number) => new Uint8Array(length).fill(number),
    giveBack: () => undefined,
  };
  const parts = {
    core: new EngineCore({ log: silent, nowMs: () => 0 }),
    ring: ring as unknown as Ring,
    buffers: buffers as unknown as ReceiveBuffers,
    operations: new Operations(),
    watches: new Watches(),
    events: new Events(),
  };
  return { parts, entries };
}
