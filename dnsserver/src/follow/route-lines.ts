// pure
/** Routes as lines of JSON behind a head, for the files beside the database. A line has the modules of one slice of work. */
import { isInt32, isPort, type RouteKey, routeKey } from '@lars/proto';
import { type Pause, visitInSlices } from '../store/route-store.ts';
import type { RouteContent } from './route-table.ts';

const LINE_MODULES = 500;
const NEWLINE = 0x0a;

/** @returns the parts of one body */
export async function encodeRoutes(head: object, routes: Iterable<RouteContent>, pause: Pause): Promise<Uint8Array[]> {
  const encoder = new TextEncoder();
  const encodeLine = (value: object) => encoder.encode(`${JSON.stringify(value)}\n`);
  const lines = [encodeLine(head)];
  let slice: RouteContent[] = [];
  await visitInSlices(routes, pause, route => {
    if (slice.push(route) < LINE_MODULES) return;
    lines.push(encodeLine(slice));
    slice = [];
  });
  lines.push(encodeLine(slice));
  return lines;
}

export interface DecodedRoutes<Head> {
  readonly head: Head;
  readonly routes: ReadonlyMap<RouteKey, RouteContent>;
}

/**
 * @param body whole, as its checksum says: only routes that cannot be served are left out
 * @throws {SyntaxError} when it was not made by encodeRoutes
 */
export async function decodeRoutes<Head>(body: Uint8Array, pause: Pause): Promise<DecodedRoutes<Head>> {
  const decoder = new TextDecoder();
  const routes = new Map<RouteKey, RouteContent>();
  let head: Head | undefined;
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf(NEWLINE, at);
    const line = JSON.parse(decoder.decode(body.subarray(at, end < 0 ? body.length : end)));
    at = end < 0 ? body.length : end + 1;
    if (head === undefined) head = line as Head;
    else
      for (const route of line as readonly RouteContent[])
        if (isRoute(route)) routes.set(routeKey(route.modid, route.cmdid), route);
    await pause();
  }
  if (head === undefined) throw new SyntaxError('it is empty');
  return { head, routes };
}

function isRoute({ modid, cmdid, hosts }: RouteContent): boolean {
  return isInt32(modid) && isInt32(cmdid) && Array.isArray(hosts) && hosts.every(({ port }) => isPort(port));
}
