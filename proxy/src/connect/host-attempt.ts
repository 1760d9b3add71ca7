import type { LarsApi, LarsHost } from '@lars/client-sdk';
import type { Connection, Relay } from '@lars/reactor';
import type { HostPick } from '../pick/host-picker.ts';
import type { HostState, HostTable } from '../pick/host-table.ts';
import type { Placed } from '../placed-list.ts';

export interface HostAttemptDeps {
  readonly lars: Pick<LarsApi, 'report'>;
  readonly hosts: HostTable;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onReport: (ok: boolean) => void;
}

/** Reports are in whole milliseconds, one at least. */
const LONG_MS = 1.5;
/** What the kernel has said holds for so long: a proxy that is always late does not ask for each connection. */
const ASK_MS = 100;

/**
 * One host that was picked for one connection. Its pick is reported once, or never: what is reported is how long it took to connect, and as a failure a host that did
 * not accept, or that reset the connection before it had answered a byte. A client that leaves before the host has accepted says nothing of the host,
 * as an aborted call does.
 */
export class HostAttempt implements Placed {
  place = -1;
  /** While its first byte is waited for. */
  relayed: { readonly relay: Pick<Relay, 'bytesBToA'>; readonly sinceMs: number } | undefined;
  readonly host: LarsHost;
  readonly state: HostState;
  readonly #deps: HostAttemptDeps;
  readonly #startMs: number;
  #connectMs: number | undefined;
  #isSettled = false;
  #isReleased = false;

  constructor({ host, state }: HostPick, deps: HostAttemptDeps) {
    this.host = host;
    this.state = state;
    this.#deps = deps;
    this.#startMs = deps.nowMs();
  }

  /** How long the host took to accept; undefined before. */
  get connectMs(): number | undefined {
    return this.#connectMs;
  }

  /** The time in which this process, or its machine, had no time for the connection is not the host's: where it took long, the kernel is asked, who knows. */
  connected(connection: Pick<Connection, 'roundTripMs'>): void {
    const { state } = this;
    const nowMs = this.#deps.nowMs();
    const tookMs = nowMs - this.#startMs;
    if (tookMs >= LONG_MS && nowMs - state.askedMs >= ASK_MS) {
      state.askedMs = nowMs;
      state.roundTripMs = connection.roundTripMs;
    }
    this.#connectMs = tookMs < LONG_MS ? tookMs : Math.min(tookMs, state.roundTripMs ?? tookMs);
    this.#deps.hosts.noteConnected(this.state);
  }

  /** Reports the pick, unless that has been done. */
  settle(ok: boolean): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const { lars, nowMs, hosts, onReport } = this.#deps;
    if (!ok) hosts.noteFailed(this.state, nowMs());
    lars.report(this.host, { ok, tcostMs: this.#connectMs ?? nowMs() - this.#startMs });
    onReport(ok);
  }

  /** The host has one connection less; a second call does nothing. What was not reported by now never will be. */
  release(): void {
    this.#isSettled = true;
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#deps.hosts.release(this.state);
  }
}
