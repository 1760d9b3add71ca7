import { TimeSlicedQueue } from '@lars/runtime/time-sliced-queue';
import { pushFrame } from './encoded-route.ts';
import type { RouteConnection, SubscribedModule } from './subscriptions.ts';

type Module = SubscribedModule<RouteConnection>;

/** Sending one changed route to the module's subscribers. */
interface Fanout {
  readonly module: Module;
  readonly subscribers: MapIterator<[RouteConnection, number]>;
  /** How many subscribers were sent the route so far. */
  sentCount: number;
  /** The fan-out ends after this many subscribers: those after it were sent the newest form already. */
  readonly limit: number;
  /** The route changed during the fan-out, so the first `resendCount` subscribers must be sent it again; 0 = none. */
  resendCount: number;
}

/** The connections of one slice: each costs a system call of some 8 µs, and answers wait meanwhile. */
export const SLICE_CONNECTIONS = 32;
/** The bytes of one slice: a healthy connection takes as much at once, should all of it be for one. */
export const SLICE_BYTES = 128 * 1_024;

/**
 * Changed routes on their way to their subscribers. They leave in slices, one per tick of the event loop, between which requests
 * are answered; what one slice holds for one connection leaves in one system call. Each subscriber is sent the route as it is at that
 * moment, so that no older form follows a newer one.
 */
export class PushQueue {
  readonly #onPushed: (pushes: number, connections: Iterable<RouteConnection>) => void;
  readonly #queue = new TimeSlicedQueue<Module, Fanout>(fanouts => this.#sendSlice(fanouts));

  constructor(onPushed: (pushes: number, connections: Iterable<RouteConnection>) => void) {
    this.#onPushed = onPushed;
  }

  /** Changed modules whose fan-out has not ended. */
  get length(): number {
    return this.#queue.length;
  }

  pushChanges(modules: Iterable<Module>): void {
    for (const module of modules) {
      const fanout = this.#queue.get(module);
      if (fanout === undefined) this.#queue.set(module, newFanout(module, Number.POSITIVE_INFINITY));
      else {
        const reached = fanout.limit === Number.POSITIVE_INFINITY ? fanout.sentCount : Number.POSITIVE_INFINITY;
        fanout.resendCount = Math.max(fanout.resendCount, reached);
      }
    }
    this.#queue.start();
  }

  stop(): void {
    this.#queue.stop();
  }

  #sendSlice(fanouts: Map<Module, Fanout>): void {
    const slice: Slice = { connections: new Set(), bytes: 0, pushes: 0 };
    for (const [module, fanout] of fanouts) {
      if (!continueFanout(fanout, slice)) break;
      fanouts.delete(module);
      // At the end of the queue, so that the other modules' changes come before.
      if (fanout.resendCount > 0) fanouts.set(module, newFanout(module, fanout.resendCount));
    }
    for (const connection of slice.connections) connection.flush();
    this.#onPushed(slice.pushes, slice.connections);
  }
}

interface Slice {
  readonly connections: Set<RouteConnection>;
  bytes: number;
  pushes: number;
}

function newFanout(module: Module, limit: number): Fanout {
  return { module, subscribers: module.subscribers.entries(), sentCount: 0, limit, resendCount: 0 };
}

/** @returns false when the slice was full before the fan-out's end */
function continueFanout(fanout: Fanout, slice: Slice): boolean {
  while (fanout.sentCount < fanout.limit) {
    if (slice.connections.size >= SLICE_CONNECTIONS || slice.bytes >= SLICE_BYTES) return false;
    const next = fanout.subscribers.next();
    if (next.done) return true;
    const [connection, features] = next.value;
    fanout.sentCount += 1;
    sendTo(connection, features, fanout.module, slice);
  }
  return true;
}

function sendTo(connection: RouteConnection, features: number, { route }: Module, slice: Slice): void {
  if (route === undefined) return;
  const frame = pushFrame(route, features);
  if (!connection.queue(frame)) return;
  slice.connections.add(connection);
  slice.bytes += frame.length;
  slice.pushes += 1;
}
