// pure
/**
 * Notices threads that hang without dying: each counts up a number in memory that it shares with main, which looks whether the number
 * changes. A thread cannot look after main; while main hangs all callers are served.
 */

/** One incarnation of a thread and main share it. */
export type Heartbeat = Int32Array<SharedArrayBuffer>;

/** How often a thread counts, and main looks. */
export const HEARTBEAT_MS = 500;

export interface HeartbeatOptions {
  /** A thread that is silent for so long is named in the log, and counted. */
  readonly silentMs: number;
  /** A thread that is silent for so long is replaced. */
  readonly replaceMs: number;
  /** The same for one that has not begun to count: it loads its script, on a machine that may be busy. */
  readonly startMs: number;
  /** Main looks at least so often; longer pauses are main's own and count as so much, for the threads may have been stopped with it. */
  readonly maxStepMs: number;
}

export interface HeartbeatChange<Name> {
  readonly name: Name;
  /** stuck: it was to be replaced, and is still there after the same time. */
  readonly what: 'silent' | 'back' | 'replace' | 'stuck';
  readonly silentMs: number;
}

interface Watched {
  readonly heartbeat: Heartbeat;
  beats: number;
  silentMs: number;
  stage: 'well' | 'silent' | 'replaced' | 'stuck';
}

export function newHeartbeat(): Heartbeat {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

export function beat(heartbeat: Heartbeat): void {
  Atomics.add(heartbeat, 0, 1);
}

export class HeartbeatWatch<Name> {
  readonly #options: HeartbeatOptions;
  readonly #watched = new Map<Name, Watched>();
  #lastLookMs: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** A new incarnation of the thread. */
  begin(name: Name, heartbeat: Heartbeat): void {
    this.#watched.set(name, { heartbeat, beats: 0, silentMs: 0, stage: 'well' });
  }

  /** The thread has died. */
  end(name: Name): void {
    this.#watched.delete(name);
  }

  /** Whether none is silent, replaced or stuck. */
  get areAllWell(): boolean {
    return [...this.#watched.values()].every(({ stage }) => stage === 'well');
  }

  /** Call it every HEARTBEAT_MS. @returns what is to be done and said; each once */
  look(nowMs: number): readonly HeartbeatChange<Name>[] {
    const stepMs = Math.min(nowMs - (this.#lastLookMs ?? nowMs), this.#options.maxStepMs);
    this.#lastLookMs = nowMs;
    const changes: HeartbeatChange<Name>[] = [];
    for (const [name, watched] of this.#watched) {
      const { silentMs } = watched;
      const what = this.#next(watched, stepMs);
      if (what !== undefined) changes.push({ name, what, silentMs: what === 'back' ? silentMs : watched.silentMs });
    }
    return changes;
  }

  #next(watched: Watched, stepMs: number): HeartbeatChange<Name>['what'] | undefined {
    const { silentMs, replaceMs, startMs } = this.#options;
    const beats = Atomics.load(watched.heartbeat, 0);
    if (beats !== watched.beats) {
      const wasSilent = watched.stage === 'silent';
      watched.beats = beats;
      watched.silentMs = 0;
      if (wasSilent) watched.stage = 'well';
      return wasSilent ? 'back' : undefined;
    }
    watched.silentMs += stepMs;
    const [saidAfterMs, replacedAfterMs] = beats === 0 ? [startMs, startMs] : [silentMs, replaceMs];
    if (watched.stage === 'well' && watched.silentMs >= saidAfterMs) {
      watched.stage = 'silent';
      return 'silent';
    }
    if (watched.stage === 'silent' && watched.silentMs >= replacedAfterMs) {
      watched.stage = 'replaced';
      return 'replace';
    }
    if (watched.stage === 'replaced' && watched.silentMs >= 2 * replacedAfterMs) {
      watched.stage = 'stuck';
      return 'stuck';
    }
    return undefined;
  }
}
