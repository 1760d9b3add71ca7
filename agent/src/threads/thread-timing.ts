// pure
/** After the start, long enough that the first requests are not kept waiting by a garbage collection. */
export const COMPACT_DELAY_MS = 1_000;
