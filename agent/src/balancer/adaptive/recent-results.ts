// pure
/** How the last calls of a host went, for people: bits of one number, the latest call lowest, and a 1 above the oldest one. No rule reads them. */

/** What a host begins with. */
export const NO_RESULTS = 1;
/** As many as V8 has room for in a small integer, beside the 1 above them. */
const MAX_RESULTS = 30;
const FULL = 1 << MAX_RESULTS;

/** @param at of the host's slot */
export function addResult(values: number[], at: number, ok: boolean): void {
  const before = values[at] as number;
  const kept = before < FULL ? before : (before & (FULL / 2 - 1)) | (FULL / 2);
  values[at] = (kept << 1) | (ok ? 0 : 1);
}

/** The last 30 calls, or all where there were fewer. */
export function countResults(results: number): { readonly calls: number; readonly failures: number } {
  let failures = 0;
  let calls = 0;
  for (let rest = results; rest > 1; rest >>= 1) {
    failures += rest & 1;
    calls += 1;
  }
  return { calls, failures };
}
