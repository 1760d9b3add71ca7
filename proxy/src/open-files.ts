// pure
/** What is open beside connections: of the process, and of each thread. */
const OWN_FILES = 64;
const THREAD_FILES = 16;
/** A listener is a socket for each thread, and that thread's own descriptor of it. */
const LISTENER_FILES = 2;
/** A connection of a client, and the one to its host. The pipes of those that move much at once are spared where there are no files for them. */
const CONNECTION_FILES = 2;

export interface ProxySize {
  readonly threads: number;
  readonly listeners: number;
}

/** How many open files so many connections need. */
export function filesFor(connections: number, { threads, listeners }: ProxySize): number {
  return OWN_FILES + threads * (THREAD_FILES + LISTENER_FILES * listeners) + CONNECTION_FILES * connections;
}

/**
 * How many connections so many open files allow, at least one. Beyond them a client would be accepted, and lose its connection because none
 * to a host can be opened; and the process's own files would be short.
 */
export function connectionsWithin(openFiles: number, size: ProxySize): number {
  return Math.max(1, Math.floor((openFiles - filesFor(0, size)) / CONNECTION_FILES));
}
