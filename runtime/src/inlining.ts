import { setFlagsFromString } from 'node:v8';

/**
 * V8's own is 920. With 5,000 a warm shard answers for less of a processor (bench/shard-speed.ts, bench/udp-path.ts); more than that changes nothing. Until it is warm a thread
 * compiles for longer.
 */
const BYTECODE_BYTES = 5_000;

/**
 * Lets V8's compiler inline more of a hot path into one piece. A call passes many small functions, each of which says one thing; V8 stops to inline when
 * they have a certain length together, long before the end of a call, and from there on each one is called. The flag is of the whole process, and counts for
 * what is compiled from now on: call it in the main thread, before others start.
 */
export function inlineLongPaths(): void {
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${BYTECODE_BYTES}`);
}
