import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface NameResolverDeps {
  /** @returns an IP address of the name */
  readonly lookup?: (name: string) => Promise<string>;
  /** Monotonic. */
  readonly nowMs: () => number;
}

interface Entry {
  /** The last address that was found. */
  address: string | undefined;
  askedMs: number;
  asking: Promise<string> | undefined;
}

/** So old an address is looked up again. The system's resolver tells no time to live. */
const FRESH_MS = 10_000;
const MAX_NAMES = 1_000;

/** The IP addresses of hosts that are named in routes. One lookup serves all that wait for it; an address that cannot be looked up again stays. */
export class NameResolver {
  readonly #lookup: (name: string) => Promise<string>;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor({ lookup = systemLookup, nowMs }: NameResolverDeps) {
    this.#lookup = lookup;
    this.#nowMs = nowMs;
  }

  /** @returns the address itself where `host` is one. Rejects with the resolver's error where the name has none. */
  resolve(host: string): string | Promise<string> {
    if (isIP(host) !== 0) return host;
    const entry = this.#entryOf(host);
    if (this.#nowMs() - entry.askedMs < FRESH_MS && entry.address !== undefined) return entry.address;
    entry.asking ??= this.#ask(host, entry);
    return entry.address ?? entry.asking;
  }

  #entryOf(name: string): Entry {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      if (this.#entries.size >= MAX_NAMES) this.#entries.clear();
      entry = { address: undefined, askedMs: Number.NEGATIVE_INFINITY, asking: undefined };
      this.#entries.set(name, entry);
    }
    return entry;
  }

  #ask(name: string, entry: Entry): Promise<string> {
    const asking = this.#lookup(name).then(
      address => {
        entry.asking = undefined;
        entry.askedMs = this.#nowMs();
        entry.address = address;
        return address;
      },
      (error: unknown) => {
        entry.asking = undefined;
        throw error;
      },
    );
    // Where an older address serves, nobody waits for this.
    asking.catch(() => undefined);
    return asking;
  }
}

async function systemLookup(name: string): Promise<string> {
  return (await lookup(name)).address;
}
