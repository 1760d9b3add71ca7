import { setFlagsFromString } from 'node:v8';

/**
 * V8's own is 920. At 5,000 a shard answers for a third less (bench/shard-speed.ts), and its thread takes a tenth to a fifth less of a processor over UDP, once it is
 * warm; more than that changes nothing. Before that a thread compiles for longer, some tenths of a second in all.
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
