// pure
import type { HostKey } from '@lars/proto';

/** No module has as many; a forger has. */
const MAX_HOSTS_PER_MODULE = 20_000;
/** Of all modules: a forger makes up modules too. */
const MAX_HOSTS = 1_000_000;
/** A host that was not reported for one to two hours makes room. */
const GENERATION_SEC = 3_600;

export interface HostLimits {
  readonly maxPerModule: number;
  readonly maxAll: number;
}

/** Bounds how many hosts the tables get rows for: the reporter knows no routes, so it takes what agents report for hosts. */
export class HostLimit {
  readonly #limits: HostLimits;
  #endsSec = 0;
  #young = new Map<string, Set<HostKey>>();
  #old = new Map<string, Set<HostKey>>();
  #size = 0;

  constructor(limits: HostLimits = { maxPerModule: MAX_HOSTS_PER_MODULE, maxAll: MAX_HOSTS }) {
    this.#limits = limits;
  }

  /** Whether the host may have rows: it is known, or there is room for another one. */
  admits(modid: number, cmdid: number, host: HostKey, nowSec: number): boolean {
    this.#age(nowSec);
    const module = `${modid}/${cmdid}`;
    const young = this.#young.get(module);
    if (young?.has(host)) return true;
    const old = this.#old.get(module);
    const known = old?.has(host) === true;
    const count = (young?.size ?? 0) + (old?.size ?? 0);
    if (!known && (count >= this.#limits.maxPerModule || this.#size >= this.#limits.maxAll)) return false;
    if (known) old?.delete(host);
    else this.#size += 1;
    if (young === undefined) this.#young.set(module, new Set([host]));
    else young.add(host);
    return true;
  }

  #age(nowSec: number): void {
    if (nowSec < this.#endsSec) return;
    this.#endsSec = nowSec + GENERATION_SEC;
    for (const hosts of this.#old.values()) this.#size -= hosts.size;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
