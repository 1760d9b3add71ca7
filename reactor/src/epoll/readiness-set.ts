// pure
/** What is told of a descriptor; the numbers are those of poll and epoll. */
export const Ready = { readable: 1, writable: 4, error: 8, hangUp: 0x10, remoteEnded: 0x2000 } as const;
/** What is told once for every change of a connection, and not for as long as it lasts. */
export const EDGE_TRIGGERED = -0x8000_0000;

/** Descriptors whose readiness the kernel tells: a set of epoll, or polls of io_uring. */
export interface ReadinessSet {
  /** There is something to be submitted, so that another `wait` has to come. */
  readonly isUnfinished: boolean;
  /** @param events a sum of Ready, and EDGE_TRIGGERED. @param generation comes back with each event. @throws {Error} as Node's, with `code` */
  add(fd: number, events: number, generation: number): void;
  /** The descriptor stays open, and is the caller's alone. */
  remove(fd: number): void;
  /** @returns how many events there are, at least 0 */
  wait(timeoutMs: number): number;
  fdOf(event: number): number;
  generationOf(event: number): number;
  /** @returns a sum of Ready */
  readinessOf(event: number): number;
  /** Closes a descriptor, whether it is in the set or not. */
  closeDescriptor(fd: number): void;
  close(): void;
}
