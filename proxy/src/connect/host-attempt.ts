import type { LarsApi, LarsHost } from '@lars/client-sdk';
import type { HostPick } from '../pick/host-picker.ts';
import type { HostTable } from '../pick/host-table.ts';

export interface HostAttemptDeps {
  readonly lars: Pick<LarsApi, 'report'>;
  readonly hosts: HostTable;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onReport: (ok: boolean) => void;
}

/**
 * One host that was picked for one connection. Its pick is reported once, or never: what is reported is how long it took to connect, and as a failure a host that did
 * not accept, or that reset the connection before it had answered a byte. A client that leaves before the host has accepted says nothing of the host,
 * as an aborted call does.
 */
export class HostAttempt {
  readonly host: LarsHost;
  readonly #pick: HostPick;
  readonly #deps: HostAttemptDeps;
  readonly #startMs: number;
  #connectMs: number | undefined;
  #isSettled = false;

  constructor(pick: HostPick, deps: HostAttemptDeps) {
    this.host = pick.host;
    this.#pick = pick;
    this.#deps = deps;
    this.#startMs = deps.nowMs();
  }

  /** How long the host took to accept; undefined before. */
  get connectMs(): number | undefined {
    return this.#connectMs;
  }

  connected(): void {
    this.#connectMs = this.#deps.nowMs() - this.#startMs;
    this.#deps.hosts.noteConnected(this.#pick.slot.state);
  }

  /** Reports the pick, unless that has been done. */
  settle(ok: boolean): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    const { lars, nowMs, hosts, onReport } = this.#deps;
    if (!ok) hosts.noteFailed(this.#pick.slot.state, nowMs());
    lars.report(this.host, { ok, tcostMs: this.#connectMs ?? nowMs() - this.#startMs });
    onReport(ok);
  }

  /** The host has one connection less. What was not reported by now never will be. */
  release(): void {
    this.#isSettled = true;
    this.#pick.slot.release();
  }
}
