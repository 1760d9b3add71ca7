// pure
import { decodeBody, HEADER_BYTES, LarsProtocolError, type MessageId, type MessageOf } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { Forwarding } from './forwarding.ts';
import type { ModuleTable } from './module-table.ts';
import type { ParkedRequest, Parking } from './parking.ts';
import type { RouteFetcher } from './route-fetcher.ts';
import type { SimulatedPicks } from './simulated-picks.ts';

/**
 * Each handled message has a fast form, which works on the datagram in place and makes no object, and a general form, which decodes it
 * with the codec. A fast form that answers returns this where it leaves the message to the general one; it has changed and counted nothing
 * then.
 */
export const NOT_HANDLED = -1;

/** What the handlers of messages share. */
export interface HandlerDeps {
  readonly modules: ModuleTable<ParkedRequest>;
  readonly forwarding: Forwarding;
  readonly parking: Parking;
  readonly fetcher: RouteFetcher;
  readonly counters: SharedCounters<ShardCounter>;
  readonly simulatedPicks: SimulatedPicks;
  /** Room for the largest datagram: an answer that must be kept is written here and copied. */
  readonly scratch: Uint8Array;
}

/** For the general forms. @returns undefined, and counts the datagram, where its body does not parse */
export function decodeOrCount<Id extends MessageId>(
  id: Id,
  datagram: Uint8Array,
  counters: SharedCounters<ShardCounter>,
): MessageOf[Id] | undefined {
  try {
    return decodeBody(id, datagram.subarray(HEADER_BYTES));
  } catch (error) {
    if (!(error instanceof LarsProtocolError)) throw error;
    counters.add(shardCounters.at.badBody);
    return undefined;
  }
}
