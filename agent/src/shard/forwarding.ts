// pure
/** Datagrams that came to one shard for the modules of another: the owner handles them, and its answer comes back as a message. */
import { type ModuleId, SHARD_COUNT, shardOf } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import { type ShardCounter, shardCounters } from '../counters.ts';
import { SHARD_NAMES, type ShardMessage, type ShardName } from '../threads/messages.ts';
import type { CallerRef } from '../udp/transport.ts';

const count = shardCounters.at;

/**
 * Limit of forwarded datagrams queued at one shard. The owner drains this queue before its own socket; without a limit a flood on the
 * wrong ports would starve the socket, for forwarding is cheaper than answering. The excess is dropped, as the kernel drops what a
 * full socket gets.
 */
export const MAX_FORWARDS = 1_024;

/** For each shard how many datagrams are on their way to it from the others. All shards share it. */
export type ForwardsInFlight = Int32Array<SharedArrayBuffer>;

export function newForwardsInFlight(): ForwardsInFlight {
  return new Int32Array(new SharedArrayBuffer(SHARD_COUNT * Int32Array.BYTES_PER_ELEMENT));
}

/** Where an answer goes: to a caller of this shard's own socket, or back to the shard whose socket received the request. */
export interface ReplyTo {
  readonly receiver: ShardName | undefined;
  readonly caller: CallerRef;
}

export interface ForwardingDeps {
  postToShard(shard: ShardName, message: ShardMessage): void;
  /** Sends an answer that was not ready in time, from this shard's own socket. */
  sendReply(reply: Uint8Array, caller: CallerRef): void;
}

export class Forwarding {
  readonly #index: number;
  readonly #inFlight: ForwardsInFlight;
  readonly #deps: ForwardingDeps;
  readonly #counters: SharedCounters<ShardCounter>;

  /** @param index which of the three shards this is */
  constructor(index: number, inFlight: ForwardsInFlight, deps: ForwardingDeps, counters: SharedCounters<ShardCounter>) {
    this.#index = index;
    this.#inFlight = inFlight;
    this.#deps = deps;
    this.#counters = counters;
    // What was on its way to a shard that died is lost.
    Atomics.store(inFlight, index, 0);
  }

  /** @returns false when the module is one of this shard; otherwise there is nothing more to do */
  forward(id: ModuleId, datagram: Uint8Array, { caller }: ReplyTo): boolean {
    const owner = shardOf(id.modid, id.cmdid);
    if (owner === this.#index) return false;
    if (Atomics.load(this.#inFlight, owner) >= MAX_FORWARDS) {
      this.#counters.add(count.misroutedDropped);
      return true;
    }
    Atomics.add(this.#inFlight, owner, 1);
    this.#counters.add(count.misrouted);
    const receiver = SHARD_NAMES[this.#index] as ShardName;
    // Not slice(): that of a Buffer copies nothing, and its whole pool would cross.
    const copy = new Uint8Array(datagram);
    this.#deps.postToShard(SHARD_NAMES[owner] as ShardName, { type: 'forwarded', receiver, datagram: copy, caller });
    return true;
  }

  /** A datagram has come that another shard forwarded. */
  countArrival(): void {
    // The datagram may have been under way when this shard began anew, and is not in the count then.
    if (Atomics.sub(this.#inFlight, this.#index, 1) <= 0) Atomics.add(this.#inFlight, this.#index, 1);
  }

  sendAnswer({ receiver, caller }: ReplyTo, reply: Uint8Array): void {
    if (receiver === undefined) this.#deps.sendReply(reply, caller);
    else this.#deps.postToShard(receiver, { type: 'forwarded-reply', reply, caller });
  }
}
