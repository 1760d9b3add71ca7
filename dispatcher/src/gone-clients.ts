import type { Descriptors } from '@lars/reactor';
import type { Accepted } from './worker-account.ts';

/**
 * Closes those whose clients have left: reset them, or closed them altogether without a byte that a worker could read. @returns them
 * @param isFull others have no room: then also those that have ended their direction without a byte, which by TCP looks as if they had closed
 */
export function closeGone(descriptors: Descriptors, connections: readonly Accepted[], isFull: boolean): readonly Accepted[] {
  const gone = new Set(
    descriptors.findGone(
      connections.map(({ fd }) => fd),
      isFull,
    ),
  );
  for (const fd of gone) descriptors.close(fd);
  return connections.filter(({ fd }) => gone.has(fd));
}
