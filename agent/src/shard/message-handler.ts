// pure
import type { SharedCounters } from '@lars/runtime/counters';
import type { ShardCounter } from '../counters.ts';
import type { Forwarding } from './forwarding.ts';
import type { ModuleTable } from './module-table.ts';
import type { ParkedRequest, Parking } from './parking.ts';
import type { RouteFetcher } from './route-fetcher.ts';

/**
 * Each handled message has a fast form, which works on the datagram in place and makes no object, and a general form, which decodes it
 * with the codec. The fast form returns this where it leaves the message to the general one; it has changed and counted nothing then.
 */
export const NOT_HANDLED = -1;

/** What the handlers of messages share. */
export interface HandlerDeps {
  readonly modules: ModuleTable<ParkedRequest>;
  readonly forwarding: Forwarding;
  readonly parking: Parking;
  readonly fetcher: RouteFetcher;
  readonly counters: SharedCounters<ShardCounter>;
  /** Room for the largest datagram: an answer that must be kept is written here and copied. */
  readonly scratch: Uint8Array;
}
