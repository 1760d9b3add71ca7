// pure
import { formatIpv4 } from '@lars/proto/host-address';
import type { LogFields } from '@lars/runtime/log';
import { isInNetwork, type Network } from '@lars/runtime/udp/networks';

export interface AllowListDeps {
  readonly onRefused: () => void;
  readonly warn: (event: string, fields: LogFields) => void;
}

const LOOPBACK = 127;
/** After so long without a refusal the next one is told of again. */
const EPISODE_END_MS = 60_000;

/** Conf key [udp] allow: who may ask, beside this machine. */
export class AllowList {
  readonly #networks: readonly Network[];
  readonly #deps: AllowListDeps;
  /** Callers ask again and again. */
  #lastAllowed = -1;
  #lastRefusedMs = Number.NEGATIVE_INFINITY;

  constructor(networks: readonly Network[], deps: AllowListDeps) {
    this.#networks = networks;
    this.#deps = deps;
  }

  /** @param ip of the sender, unsigned */
  allows(ip: number, nowMs: number): boolean {
    if (ip >>> 24 === LOOPBACK || ip === this.#lastAllowed) return true;
    if (this.#networks.some(network => isInNetwork(network, ip))) {
      this.#lastAllowed = ip;
      return true;
    }
    this.#deps.onRefused();
    if (nowMs - this.#lastRefusedMs >= EPISODE_END_MS) {
      this.#deps.warn('datagrams from outside of [udp] allow are dropped', { sender: formatIpv4(ip) });
    }
    this.#lastRefusedMs = nowMs;
    return false;
  }
}
