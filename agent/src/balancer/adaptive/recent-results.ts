// pure
/** How the last calls of a host went, for people: bits of one number, the latest call lowest, and a 1 above the oldest one. No rule reads them. */

/** What a host begins with. */
export const NO_RESULTS = 1;
/** As many as have room beside the 1 above them. */
const MAX_RESULTS = 31;
const FULL = 2 ** MAX_RESULTS;

export function withResult(results: number, ok: boolean): number {
  const more = results * 2 + (ok ? 0 : 1);
  return more < 2 * FULL ? more : FULL + (more % FULL);
}

/** The last 31 calls, or all where there were fewer. */
export function countResults(results: number): { readonly calls: number; readonly failures: number } {
  let failures = 0;
  let calls = 0;
  for (let rest = results; rest > 1; rest = Math.floor(rest / 2)) {
    failures += rest % 2;
    calls += 1;
  }
  return { calls, failures };
}
