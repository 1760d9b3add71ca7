// pure
/** Datagrams that came to a shard for the modules of another: that one decides, and its answer comes back by mail. */
import { SHARD_COUNT, shardOf } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import { type ShardCounter, shardCounters } from '../counters.ts';
import { type MailToShard, type ModuleId, SHARD_NAMES, type ShardName } from '../threads/messages.ts';
import type { PeerRef } from '../udp/transport.ts';

const count = shardCounters.at;

/**
 * So many datagrams wait for their owner at most, whose socket has its turn only behind them. More come when somebody floods the wrong
 * ports, for handing on is cheaper than answering; they are dropped, as the kernel drops what a socket cannot hold.
 */
export const MAX_FORWARDS = 1_024;

/** Of each shard how many datagrams are on their way to it from others. Shared by all. */
export type ForwardsUnderWay = Int32Array<SharedArrayBuffer>;

export function newForwardsUnderWay(): ForwardsUnderWay {
  return new Int32Array(new SharedArrayBuffer(SHARD_COUNT * Int32Array.BYTES_PER_ELEMENT));
}

/** Where an answer goes: to a peer of this shard's socket, or back through the shard that received the request. */
export interface Asker {
  readonly receiver: ShardName | undefined;
  readonly peer: PeerRef;
}

export interface ForwardingPorts {
  mail(shard: ShardName, mail: MailToShard): void;
  /** Sends an answer that was not ready in time, from this shard's own socket. */
  reply(reply: Uint8Array, peer: PeerRef): void;
}

export class Forwarding {
  readonly #index: number;
  readonly #underWay: ForwardsUnderWay;
  readonly #ports: ForwardingPorts;
  readonly #counters: CounterBank<ShardCounter>;

  /** @param index which of the three shards this is */
  constructor(index: number, underWay: ForwardsUnderWay, ports: ForwardingPorts, counters: CounterBank<ShardCounter>) {
    this.#index = index;
    this.#underWay = underWay;
    this.#ports = ports;
    this.#counters = counters;
    // What was on its way to a shard that died is lost.
    Atomics.store(underWay, index, 0);
  }

  /** @returns false when the module is one of this shard; otherwise there is nothing more to do */
  forward(id: ModuleId, datagram: Uint8Array, { peer }: Asker): boolean {
    const owner = shardOf(id.modid, id.cmdid);
    if (owner === this.#index) return false;
    if (Atomics.load(this.#underWay, owner) >= MAX_FORWARDS) {
      this.#counters.add(count.misroutedDropped);
      return true;
    }
    Atomics.add(this.#underWay, owner, 1);
    this.#counters.add(count.misrouted);
    const receiver = SHARD_NAMES[this.#index] as ShardName;
    // Not slice(): that of a Buffer copies nothing, and its whole pool would cross.
    this.#ports.mail(SHARD_NAMES[owner] as ShardName, { type: 'forwarded', receiver, datagram: new Uint8Array(datagram), peer });
    return true;
  }

  /** A datagram has come that another shard forwarded. */
  arrived(): void {
    // It may have been under way when this shard began anew.
    if (Atomics.sub(this.#underWay, this.#index, 1) <= 0) Atomics.add(this.#underWay, this.#index, 1);
  }

  answer({ receiver, peer }: Asker, reply: Uint8Array): void {
    if (receiver === undefined) this.#ports.reply(reply, peer);
    else this.#ports.mail(receiver, { type: 'forwarded-reply', reply, peer });
  }
}
