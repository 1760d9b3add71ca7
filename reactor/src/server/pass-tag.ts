// pure
/** What a connection is passed with: the number of its listener, and one that hardly comes again with the same descriptor. Negative, and below -1. */
export const MAX_LISTENERS = 256;
const PASSES = 1 << 22;

export function passTag(pass: number, listener: number): number {
  return -2 - ((pass % PASSES) * MAX_LISTENERS + listener);
}

export function listenerOf(tag: number): number {
  return (-2 - tag) % MAX_LISTENERS;
}
