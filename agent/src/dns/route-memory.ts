// pure
/**
 * The shared memory of a route log: how many bytes of frames are there, and the frames. A file of its own, because main reads it and loads no
 * codec.
 */
export type RouteMemory = SharedArrayBuffer;

/** Limit of the routes that are kept, which half a million hosts with zones and names do not reach. */
export const MAX_ROUTE_BYTES = 64 * 1_024 * 1_024;

/** The number of bytes stands in front; the rest of the eight is unused. */
const FRAMES_AT = 8;

export function newRouteMemory(capacity: number): RouteMemory {
  return new SharedArrayBuffer(FRAMES_AT + capacity);
}

/** Memory that has these frames. */
export function routeMemoryOf(frames: Uint8Array): RouteMemory {
  const memory = newRouteMemory(frames.length);
  new Uint8Array(memory, FRAMES_AT).set(frames);
  commit(memory, frames.length);
  return memory;
}

/** The frames that are there: a view, to which the writer adds nothing. */
export function committedFrames(memory: RouteMemory): Uint8Array {
  return new Uint8Array(memory, FRAMES_AT, committedBytes(memory));
}

/** All of the memory, for the one who writes. */
export function writableFrames(memory: RouteMemory): Uint8Array {
  return new Uint8Array(memory, FRAMES_AT);
}

export function committedBytes(memory: RouteMemory): number {
  return Atomics.load(new Int32Array(memory, 0, 1), 0);
}

/** The first so many bytes are whole frames now. */
export function commit(memory: RouteMemory, bytes: number): void {
  Atomics.store(new Int32Array(memory, 0, 1), 0, bytes);
}
