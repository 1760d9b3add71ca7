// pure
/** A number, or one that moves in a straight line from one value to another from the moment on when it is set, and then stays. */
export type Ramp = number | { readonly from: number; readonly to: number; readonly overMs: number };

/** @param sinceMs how long ago the ramp was set */
export function valueAt(ramp: Ramp, sinceMs: number): number {
  if (typeof ramp === 'number') return ramp;
  if (sinceMs >= ramp.overMs) return ramp.to;
  return ramp.from + ((ramp.to - ramp.from) * sinceMs) / ramp.overMs;
}
