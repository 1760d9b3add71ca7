import type { EngineCore } from '../engine-core.ts';
import type { Events } from './events.ts';
import type { Operations } from './operations.ts';
import type { ReceiveBuffers } from './receive-buffers.ts';
import type { Ring } from './ring.ts';
import type { Watches } from './watches.ts';

/** What the parts of a set share. */
export interface SetParts {
  readonly core: EngineCore;
  readonly ring: Ring;
  readonly buffers: ReceiveBuffers;
  readonly operations: Operations;
  readonly watches: Watches;
  readonly events: Events;
}
