// pure
/** What is known of a thread that serves connections. */
export interface ThreadLoad {
  readonly connections: number;
  /** The share of the last half second or so that it has computed, thousandths. */
  readonly busy: number;
  /** For how long it has not taken what it was sent. */
  readonly waitingMs: number;
}

/** A thread that has not taken a connection for so long hangs, and gets none while another does not. */
const STALL_MS = 50;

/** The thread that gets the next connection: with the fewest, and of those the one that has computed least. @returns -1 when there is none */
export function chooseThread(loads: readonly (ThreadLoad | undefined)[]): number {
  let chosen = -1;
  let best: ThreadLoad | undefined;
  for (let index = 0; index < loads.length; index++) {
    const load = loads[index];
    if (load === undefined || (best !== undefined && !isBefore(load, best))) continue;
    chosen = index;
    best = load;
  }
  return chosen;
}

function isBefore(a: ThreadLoad, b: ThreadLoad): boolean {
  const stalls = Number(a.waitingMs >= STALL_MS) - Number(b.waitingMs >= STALL_MS);
  if (stalls !== 0) return stalls < 0;
  // Of threads that all seem to hang, on a busy machine, the one that really does has taken nothing for longest.
  if (a.waitingMs >= STALL_MS && a.waitingMs !== b.waitingMs) return a.waitingMs < b.waitingMs;
  return a.connections === b.connections ? a.busy < b.busy : a.connections < b.connections;
}
