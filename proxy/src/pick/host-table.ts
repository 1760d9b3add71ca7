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
}

export interface HostTableOptions {
  /** 0 = any number. */
  readonly maxConnections: number;
  readonly failCoolDownMs: number;
}

/** A host with one connection more, until it is given back. */
export interface HostSlot {
  readonly state: HostState;
  /** A second call does nothing. */
  release(): void;
}

/** Hosts that are known beyond these go, if they have no connections. */
const MAX_HOSTS = 10_000;

export class HostTable {
  readonly #options: HostTableOptions;
  readonly #states = new Map<string, HostState>();

  constructor(options: HostTableOptions) {
    this.#options = options;
  }

  stateOf(authority: string): HostState {
    let state = this.#states.get(authority);
    if (state === undefined) {
      this.#makeRoom();
      state = { authority, connections: 0, coolUntilMs: 0, connected: 0, failed: 0 };
      this.#states.set(authority, state);
    }
    return state;
  }

  get states(): Iterable<HostState> {
    return this.#states.values();
  }

  isFull({ connections }: HostState): boolean {
    const { maxConnections } = this.#options;
    return maxConnections > 0 && connections >= maxConnections;
  }

  /** Takes a place at a host. The limit is checked here, where it is handed out. @returns undefined when the host is full */
  acquire(state: HostState): HostSlot | undefined {
    if (this.isFull(state)) return undefined;
    state.connections += 1;
    let isReleased = false;
    return {
      state,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        state.connections -= 1;
      },
    };
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
    for (const [authority, { connections }] of this.#states) {
      if (connections > 0) continue;
      this.#states.delete(authority);
      return;
    }
  }
}
