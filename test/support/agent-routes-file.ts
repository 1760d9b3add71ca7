/** The file to which an agent writes its routes, as the agent writes it. */
import { writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { encodeFrame, type GetRouteResponse, type HostInfo, MessageId } from '@lars/proto';
import { encodeCheckedFile } from '@lars/proto/checked-file';

export type FileRoute = Pick<GetRouteResponse, 'modid' | 'cmdid' | 'version'> & { readonly host: readonly HostInfo[] };

export function encodeAgentRoutes(routes: readonly FileRoute[], kind = { name: 'agent-routes', version: 1 }): Uint8Array {
  const frames = routes.map(route =>
    encodeFrame(MessageId.GetRouteResponse, { ...route, host: [...route.host], overload: false, notModified: false }),
  );
  return encodeCheckedFile(kind, Buffer.concat(frames), 1_790_000_000_000, crc32);
}

export function writeAgentRoutes(path: string, routes: readonly FileRoute[]): void {
  writeFileSync(path, encodeAgentRoutes(routes));
}
