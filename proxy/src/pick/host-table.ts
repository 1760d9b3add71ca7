// pure
/** What this thread knows of each host by its own connections. One owner counts them, so that they come back to zero on every way. */

export interface HostState {
  /** 'HOST:PORT' */
  readonly authority: string;
  /** Those that are being made count from the moment of the pick. */
  connections: number;
  /** It is left out until then by the policies that choose from the route. Monotonic ms. */
  coolUntilMs: number;
  /** How many connections came about, and how many attempts failed, since the host is known. */
  connected: number;
  failed: number;
  /** How long the way to it takes, as the kernel has told, and when it was asked. Monotonic ms. */
  roundTripMs: number | undefined;
  askedMs: number;
  /** Room was needed for others: who calls the host again asks for another state of it. */
  isForgotten: boolean;
}

/** What names a host, and is the same object for as long as a route is. */
export interface NamedHost {
  /** 'HOST:PORT' */
  readonly authority: string;
}

export interface HostTableOptions {
  /** 0 = any number. */
  readonly maxConnections: number;
  readonly failCoolDownMs: number;
}

/** Hosts that are known beyond these go, if they have no connections. */
const MAX_HOSTS = 10_000;

export class HostTable {
  readonly #options: HostTableOptions;
  readonly #states = new Map<string, HostState>();
  /** Most connections go to hosts of a copy of the route: writing their names out again costs more than all the rest of a pick. */
  readonly #byHost = new WeakMap<NamedHost, HostState>();

  constructor(options: HostTableOptions) {
    this.#options = options;
  }

  stateOf(authority: string): HostState {
    let state = this.#states.get(authority);
    if (state === undefined) {
      this.#makeRoom();
      state = newState(authority);
      this.#states.set(authority, state);
    }
    return state;
  }

  stateOfHost(host: NamedHost): HostState {
    const known = this.#byHost.get(host);
    if (known?.isForgotten === false) return known;
    const state = this.stateOf(host.authority);
    this.#byHost.set(host, state);
    return state;
  }

  get states(): Iterable<HostState> {
    return this.#states.values();
  }

  isFull({ connections }: HostState): boolean {
    const { maxConnections } = this.#options;
    return maxConnections > 0 && connections >= maxConnections;
  }

  /** Takes a place at a host. The limit is checked here, where it is handed out. @returns false when the host is full */
  acquire(state: HostState): boolean {
    if (this.isFull(state)) return false;
    state.connections += 1;
    return true;
  }

  /** Gives back what `acquire` has taken, once for each. */
  release(state: HostState): void {
    state.connections -= 1;
  }

  noteConnected(state: HostState): void {
    state.connected += 1;
    state.coolUntilMs = 0;
  }

  noteFailed(state: HostState, nowMs: number): void {
    state.failed += 1;
    state.coolUntilMs = nowMs + this.#options.failCoolDownMs;
  }

  #makeRoom(): void {
    if (this.#states.size < MAX_HOSTS) return;
    for (const [authority, state] of this.#states) {
      if (state.connections > 0) continue;
      state.isForgotten = true;
      this.#states.delete(authority);
      return;
    }
  }
}

function newState(authority: string): HostState {
  return {
    authority,
    connections: 0,
    coolUntilMs: 0,
    connected: 0,
    failed: 0,
    roundTripMs: undefined,
    askedMs: Number.NEGATIVE_INFINITY,
    isForgotten: false,
  };
}
