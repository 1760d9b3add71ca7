// pure
/**
 * Many encoded routes as two arrays, for the way from one thread to another: cloning hundreds of small objects and buffers takes ten
 * times as long.
 */
import type { EncodedRoute } from '../encoded-route.ts';

export interface RoutePack {
  /** Of each route: modid, cmdid, version, hostCount, needed, length of notModified (0 = none), lengths of its frames. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** The frames, one after the other; each route's notModified before them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function packRoutes(routes: readonly EncodedRoute[]): RoutePack {
  const numbers: number[] = [];
  const parts: Uint8Array[] = [];
  for (const route of routes) {
    const { modid, cmdid, version, hostCount, needed, notModified } = route;
    numbers.push(modid, cmdid, version, hostCount, needed, notModified?.length ?? 0);
    if (notModified !== undefined) parts.push(notModified);
    for (const frame of distinctFrames(route)) {
      numbers.push(frame.length);
      parts.push(frame);
    }
  }
  return { numbers: Float64Array.from(numbers), bytes: concatenate(parts) };
}

export function unpackRoutes({ numbers, bytes }: RoutePack): EncodedRoute[] {
  const routes: EncodedRoute[] = [];
  let at = 0;
  let from = 0;
  const number = () => numbers[at++] as number;
  while (at < numbers.length) {
    const [modid, cmdid, version, hostCount, needed] = [number(), number(), number(), number(), number()];
    const lengths = [number(), ...masks(needed).map(number)];
    const end = lengths.reduce((sum, length) => sum + length, from);
    // A copy, because a route that stays must not keep in memory the routes that came with it and have changed since.
    const [notModified, ...frames] = cut(bytes.slice(from, end), lengths);
    routes.push({
      modid,
      cmdid,
      version,
      hostCount,
      needed,
      frames: spread(frames, needed),
      notModified: lengths[0] === 0 ? undefined : notModified,
    });
    from = end;
  }
  return routes;
}

/** The sets of features that make a difference: the subsets of `needed`. */
function masks(needed: number): number[] {
  if (needed === 0) return NOTHING_NEEDED;
  return Array.from({ length: needed + 1 }, (_, understood) => understood).filter(mask => (mask & needed) === mask);
}

const NOTHING_NEEDED = [0];

function distinctFrames({ frames, needed }: EncodedRoute): Uint8Array[] {
  return masks(needed).map(mask => frames[mask] as Uint8Array);
}

/** EncodedRoute.frames, from the distinct frames. */
function spread(distinct: readonly Uint8Array[], needed: number): readonly Uint8Array[] {
  if (needed === 0) return distinct;
  const order = masks(needed);
  return Array.from({ length: needed + 1 }, (_, understood) => distinct[order.indexOf(understood & needed)] as Uint8Array);
}

function cut(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let at = 0;
  return lengths.map(length => {
    at += length;
    return bytes.subarray(at - length, at);
  });
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
