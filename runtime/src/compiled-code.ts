import { setFlagsFromString } from 'node:v8';

/** V8 begins the first of these collections no sooner after the start of a process: its own --memory-reducer-delay-ms. */
const FIRST_REDUCTION_MS = 8_000;
/** V8's timers reach no further: about 23 days. */
const NEVER_MS = 2_000_000_000;

/**
 * Keeps what V8 has compiled while there is nothing to do. Eight seconds after the last burst V8 looks for memory to give back, lets go of the shapes of objects of which none is left, such
 * as a server's connections, and with them of all code that was compiled for these: the next burst begins anew, at several times the cost for each call, for tens of thousands of calls. Ordinary
 * collections, which come with work, go on; what an idle process keeps is the garbage since the last of them. The flags are of the whole process: call it in the main thread, before there is work.
 * @param uptimeMs how long the process has run
 */
export function keepCompiledCode(uptimeMs: number = 1_000 * process.uptime()): void {
  for (const flag of keepingFlags(uptimeMs)) setFlagsFromString(flag);
}

/** In a process that has run for a while such a collection may be under way: V8 ends the process where it counts more of them than there may be. There the next ones are put off. */
export function keepingFlags(uptimeMs: number): readonly string[] {
  return uptimeMs < FIRST_REDUCTION_MS
    ? ['--memory-reducer-gc-count=0']
    : [`--memory-reducer-delay-ms=${NEVER_MS}`, `--gc-memory-reducer-start-delay-ms=${NEVER_MS}`];
}
