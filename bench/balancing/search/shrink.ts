// pure
/**
 * Takes the first simpler value that still holds, and begins again, until none does. What is left is as simple as single steps can make it.
 * @param simpler every value that is one step simpler; each is tried once, as JSON tells them apart
 * @param holds whether the value still shows what it is kept for
 */
export function shrink<T>(value: T, simpler: (value: T) => readonly T[], holds: (value: T) => boolean): T {
  let simplest = value;
  const seen = new Set<string>();
  for (;;) {
    const next = simpler(simplest).find(one => {
      const key = JSON.stringify(one);
      if (seen.has(key)) return false;
      seen.add(key);
      return holds(one);
    });
    if (next === undefined) return simplest;
    simplest = next;
  }
}
