// pure
/**
 * Which worker gets the next connection: the one with the fewest, the first of equals.
 * @param connections of each worker; undefined = it is not alive
 * @returns its index, -1 when none is alive
 */
export function fewestConnections(connections: readonly (number | undefined)[]): number {
  let best = -1;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [worker, count] of connections.entries()) {
    if (count === undefined || count >= fewest) continue;
    best = worker;
    fewest = count;
  }
  return best;
}
