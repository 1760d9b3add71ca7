/** The network between the machines: who is reached under which address, how long that takes, and what gets lost. */

import { systemError } from './disk.ts';
import { kernel } from './kernel.ts';
import type { Machine } from './machine.ts';

export interface NetworkTrouble {
  readonly udpLossShare: number;
  readonly udpDuplicateShare: number;
  /** A datagram takes up to so long, so that a later one may arrive before it. */
  readonly udpDelayMs: number;
  readonly tcpDelayMs: number;
  /** What is written at once arrives in pieces. */
  readonly isInPieces: boolean;
  /** So many bytes are on their way, or wait to be read, before a sender has to wait. */
  readonly windowBytes: number;
}

export const WELL: NetworkTrouble = {
  udpLossShare: 0,
  udpDuplicateShare: 0,
  udpDelayMs: 0.3,
  tcpDelayMs: 1,
  isInPieces: false,
  windowBytes: 262_144,
};

/** Where a socket is. */
export interface Place {
  readonly machine: Machine;
  readonly port: number;
}

/** Who watches datagrams. */
export interface DatagramTaps {
  onSent(from: Place, to: Place, bytes: Uint8Array): void;
  /** The receiver's process reads it. */
  onRead(from: Place, to: Place, bytes: Uint8Array): void;
  /** A connected socket hears that nobody listens where it sends to. */
  onRefused(socket: Place): void;
}

class Network {
  trouble: NetworkTrouble = WELL;
  taps: DatagramTaps | undefined;
  #machines = new Map<string, Machine>();
  /** Pairs of machines between which nothing passes, in both directions. */
  #cuts = new Set<string>();
  #lastPort = 40_000;

  reset(): void {
    this.trouble = WELL;
    this.taps = undefined;
    this.#machines = new Map();
    this.#cuts = new Set();
    this.#lastPort = 40_000;
  }

  add(machine: Machine): void {
    this.#machines.set(machine.ip, machine);
  }

  /** @throws EHOSTUNREACH for an address that no machine has */
  resolve(from: Machine, ip: string): Machine {
    if (ip.startsWith('127.')) return from;
    const machine = this.#machines.get(ip);
    if (machine === undefined) throw systemError('EHOSTUNREACH', 'connect');
    return machine;
  }

  cut(one: Machine, other: Machine): void {
    this.#cuts.add(pairOf(one, other));
  }

  heal(): void {
    this.trouble = WELL;
    this.#cuts.clear();
  }

  mend(one: Machine, other: Machine): void {
    this.#cuts.delete(pairOf(one, other));
  }

  isCut(one: Machine, other: Machine): boolean {
    return this.#cuts.has(pairOf(one, other));
  }

  freePort(): number {
    this.#lastPort += 1;
    return this.#lastPort;
  }

  tcpDelay(): number {
    return 0.05 + kernel.random() ** 3 * this.trouble.tcpDelayMs;
  }

  udpDelay(): number {
    return 0.02 + kernel.random() ** 3 * this.trouble.udpDelayMs;
  }
}

export const network = new Network();

function pairOf(one: Machine, other: Machine): string {
  return one.ip < other.ip ? `${one.ip} ${other.ip}` : `${other.ip} ${one.ip}`;
}
