import type { Descriptors } from '@lars/reactor';
import type { Accepted } from './worker-account.ts';

/**
 * Closes those whose clients have left: reset them, or closed them altogether without a byte that a worker could read. @returns them
 * @param forNewcomer one has no room: the first is closed that has left, or has ended its direction without a byte, which by TCP looks as if it had closed
 */
export function closeGone(descriptors: Descriptors, connections: readonly Accepted[], forNewcomer: boolean): readonly Accepted[] {
  const found = descriptors.findGone(
    connections.map(({ fd }) => fd),
    forNewcomer,
  );
  const gone = new Set(forNewcomer ? found.slice(0, 1) : found);
  for (const fd of gone) descriptors.close(fd);
  return connections.filter(({ fd }) => gone.has(fd));
}
