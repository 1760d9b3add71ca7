// pure
import type { Pending } from './pending-table.ts';
import { HOST_WINDOW, REFRESH_WINDOW, ROUTE_WINDOW, SendWindow } from './send-window.ts';

/** The windows of one socket of the agent, one for each kind of request. */
export class SendWindows {
  readonly #of = {
    host: new SendWindow<Pending>(HOST_WINDOW),
    route: new SendWindow<Pending>(ROUTE_WINDOW),
    refresh: new SendWindow<Pending>(REFRESH_WINDOW),
  };

  /** Whether a request was not sent yet. */
  get hasWaiting(): boolean {
    return this.waitingHosts > 0 || this.#of.route.waitingCount > 0 || this.#of.refresh.waitingCount > 0;
  }

  /** The getHosts that were not sent yet. */
  get waitingHosts(): number {
    return this.#of.host.waitingCount;
  }

  enter(pending: Pending): void {
    this.#of[pending.kind].enter(pending);
  }

  onAnswer(pending: Pending): void {
    this.#of[pending.kind].onAnswer(pending);
  }

  leave(pending: Pending): void {
    this.#of[pending.kind].leave(pending);
  }

  /** The request to send now; undefined when there is none, or no room for any. */
  takeNext(nowMs: number): Pending | undefined {
    const { host, route, refresh } = this.#of;
    return host.takeNext(nowMs) ?? route.takeNext(nowMs) ?? refresh.takeNext(nowMs);
  }

  /** Makes room for a few requests where none could be sent for long. To be called after the socket was read. */
  probe(nowMs: number): void {
    const { host, route, refresh } = this.#of;
    host.probe(nowMs);
    route.probe(nowMs);
    refresh.probe(nowMs);
  }

  /** When `probe` has something to do; undefined while no request waits for room. */
  get wakeAtMs(): number | undefined {
    const { host, route, refresh } = this.#of;
    const atMs = Math.min(
      host.wakeAtMs ?? Number.POSITIVE_INFINITY,
      route.wakeAtMs ?? Number.POSITIVE_INFINITY,
      refresh.wakeAtMs ?? Number.POSITIVE_INFINITY,
    );
    return atMs === Number.POSITIVE_INFINITY ? undefined : atMs;
  }
}
