// pure
import {
  decodeBody,
  FrameDecoder,
  type GetRouteResponse,
  LarsProtocolError,
  MessageId,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import { type Crc32, decodeCheckedFile, type FileKind } from '@lars/proto/checked-file';

/** The body of the file: frames as over TCP, each with a GetRouteResponse. */
export const AGENT_ROUTES: FileKind = { name: 'agent-routes', version: 1 };

/** The routes of an agent's file, each decoded when it is asked for. */
export class AgentRoutes {
  readonly #bodies: ReadonlyMap<RouteKey, Uint8Array>;

  constructor(bodies: ReadonlyMap<RouteKey, Uint8Array>) {
    this.#bodies = bodies;
  }

  /** @throws {LarsProtocolError} where the route does not parse */
  find(modid: number, cmdid: number): GetRouteResponse | undefined {
    const body = this.#bodies.get(routeKey(modid, cmdid));
    return body && decodeBody(MessageId.GetRouteResponse, body);
  }
}

/** @returns why the file is of no use, in words that complete a sentence which begins with its name, where it is of none */
export function readAgentRoutes(file: Uint8Array, crc32: Crc32): AgentRoutes | string {
  const checked = decodeCheckedFile(AGENT_ROUTES, file, crc32);
  if (!checked.isWhole) return checked.why;
  const bodies = new Map<RouteKey, Uint8Array>();
  const decoder = new FrameDecoder();
  let foreign: number | undefined;
  try {
    // All frames lie whole in this one piece, so that their bodies are views of it and stay valid.
    decoder.push(checked.body, (id, body) => {
      if (id !== MessageId.GetRouteResponse) foreign = id;
      else bodies.set(keyOf(body), body);
    });
  } catch (error) {
    if (!(error instanceof LarsProtocolError)) throw error;
    return `is damaged: ${error.message}`;
  }
  if (decoder.pendingBytes > 0) return 'is torn: it ends within a route';
  return foreign === undefined ? new AgentRoutes(bodies) : `has a message in it that is no route, with id ${foreign}`;
}

const MODID_TAG = 0x08;
const CMDID_TAG = 0x10;
/** Of a varint's byte: the value's part, and whether more follow. */
const VALUE_BITS = 7;
const VALUE_MASK = 0x7f;
const MORE = 0x80;
/** A negative int32 takes ten bytes, of which the first five have all that counts. */
const MAX_VARINT_BYTES = 10;
const INT32_BYTES = 5;

/** Only modid and cmdid, the first two fields, because a process calls few of the modules in the file. A field that is 0 is left out. */
function keyOf(body: Uint8Array): RouteKey {
  const ids = [0, 0];
  let at = 0;
  for (const [index, tag] of [MODID_TAG, CMDID_TAG].entries()) {
    if (body[at] !== tag) continue;
    at += 1;
    for (let byte = 0; byte < MAX_VARINT_BYTES; byte++) {
      const bits = body[at++] ?? 0;
      if (byte < INT32_BYTES) ids[index] = (ids[index] ?? 0) | ((bits & VALUE_MASK) << (byte * VALUE_BITS));
      if ((bits & MORE) === 0) break;
    }
  }
  return routeKey(ids[0] ?? 0, ids[1] ?? 0);
}
