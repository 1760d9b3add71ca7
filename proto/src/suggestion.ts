// pure
/** Ends the sentence about an unknown name: with the name that was most likely meant, or with all known names. */
export function suggest(typed: string, known: readonly string[], written: (name: string) => string = String): string {
  const nearest = nearestName(typed, known);
  return nearest === undefined ? `known are ${known.map(written).join(', ')}` : `did you mean ${written(nearest)}?`;
}

function nearestName(typed: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined;
  let least = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const name of known) {
    // No distance is less than the difference in length, so that even a name of a megabyte is compared quickly.
    if (typed.length - name.length >= least) continue;
    const distance = editDistance(typed.toLowerCase(), name.toLowerCase());
    // As many edits as letters would only say that any short name is near any other.
    if (distance < least && distance < name.length) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

/** The Levenshtein distance: how many letters must be inserted, dropped or replaced. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] as number) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
