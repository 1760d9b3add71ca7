// pure
/**
 * Without a datagram for this long while a request is out, the agent is probed. It answers within a few milliseconds, but for a module whose
 * route it has yet to get: then it parks the request for up to `route_wait`, by default half of this.
 */
export const SILENT_MS = 200;
/** Reports have no answers. When nothing else was heard for this long after one, the agent is probed too. */
export const UNHEARD_MS = 500;
/** A probe that is not answered for this long says that the agent is away. Both times together stay below the default timeout of a request. */
export const PROBE_ANSWER_MS = 200;
/** How long after the agent was lost, and after each probe, the next probe is sent: twice as long each time, up to a limit. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 500;

/** What is to be done: send a probe, or take note that the agent is away. */
export type PresenceStep = 'probe' | 'lost' | undefined;

/**
 * Whether one of the agent's servers answers. A socket error proves at once that it does not; silence does so after a probe, because a server
 * may have its reasons not to answer one request. Any datagram proves that it does.
 */
export class AgentPresence {
  /** Since when requests are out and nothing has come. */
  #silentSinceMs: number | undefined;
  /** Since when reports were sent and nothing has come; undefined also before the server was first heard. */
  #unheardSinceMs: number | undefined;
  #wasHeard = false;
  /** When a silent server was probed. */
  #probedAtMs: number | undefined;
  #awaySinceMs: number | undefined;
  #nextProbeMs = 0;
  #pauseMs = FIRST_PAUSE_MS;

  /** Undefined while the server answers. */
  get awaySinceMs(): number | undefined {
    return this.#awaySinceMs;
  }

  get isAway(): boolean {
    return this.#awaySinceMs !== undefined;
  }

  /** When `onTime` has something to do. */
  get wakeAtMs(): number | undefined {
    if (this.#awaySinceMs !== undefined) return this.#nextProbeMs;
    if (this.#probedAtMs !== undefined) return this.#probedAtMs + PROBE_ANSWER_MS;
    if (this.#silentSinceMs !== undefined) return this.#silentSinceMs + SILENT_MS;
    return this.#unheardSinceMs === undefined ? undefined : this.#unheardSinceMs + UNHEARD_MS;
  }

  /** A request was sent. */
  onRequest(nowMs: number): void {
    this.#silentSinceMs ??= nowMs;
  }

  /** A report was sent. */
  onReport(nowMs: number): void {
    if (this.#wasHeard) this.#unheardSinceMs ??= nowMs;
  }

  /**
   * The server has sent something.
   * @param isWaiting whether other requests wait for their answers
   * @returns whether it was away until now
   */
  onDatagram(nowMs: number, isWaiting: boolean): boolean {
    const wasAway = this.isAway;
    this.#silentSinceMs = isWaiting ? nowMs : undefined;
    this.#unheardSinceMs = undefined;
    this.#probedAtMs = undefined;
    this.#awaySinceMs = undefined;
    this.#wasHeard = true;
    return wasAway;
  }

  /** The socket failed. @returns whether the server was not away until now */
  onFailure(nowMs: number): boolean {
    const isNew = !this.isAway;
    if (isNew) this.#lose(nowMs);
    return isNew;
  }

  /** To be called after the socket was read: a process that was paused may have got answers without having seen them. */
  onTime(nowMs: number): PresenceStep {
    const { wakeAtMs } = this;
    if (wakeAtMs === undefined || nowMs < wakeAtMs) return undefined;
    if (this.isAway) {
      this.#nextProbeMs = nowMs + this.#pauseMs;
      this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
      return 'probe';
    }
    if (this.#probedAtMs === undefined) {
      this.#probedAtMs = nowMs;
      return 'probe';
    }
    this.#lose(nowMs);
    return 'lost';
  }

  #lose(nowMs: number): void {
    this.#awaySinceMs = nowMs;
    this.#silentSinceMs = undefined;
    this.#unheardSinceMs = undefined;
    this.#probedAtMs = undefined;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#nextProbeMs = nowMs + FIRST_PAUSE_MS;
  }
}
