// pure
/**
 * The routes that the agent knows, as bytes in shared memory: the dns thread writes them, and main reads them, for a file and for the dns thread's
 * successor. It is a log of frames as dnsserver sends them: a later one of the same module replaces an earlier one, and one without hosts
 * says that the module does not exist any more. Frames are appended, and their number of bytes is told afterwards, so that a reader never
 * sees half a frame, also when the writer dies. A log that is full moves to new memory, without what was replaced.
 */
import {
  HEADER_BYTES,
  MAX_BODY_BYTES,
  MessageId,
  type ModuleId,
  type RouteKey,
  readBodyLength,
  readMessageId,
  routeKey,
  writeHeader,
} from '@lars/proto';
import { BodyCursor } from '@lars/proto/in-place/decode';
import { commit, committedBytes, newRouteMemory, type RouteMemory, writableFrames } from './route-memory.ts';

/** Tags of GetRouteResponse in proto/lars.proto. */
const MODID = 0x08;
const CMDID = 0x10;
const HOST = 0x1a;

const MIN_CAPACITY = 65_536;

export interface RouteLogDeps {
  /** The log has moved: whoever reads it reads here from now on. */
  onMoved(memory: RouteMemory): void;
  /** Too many bytes: this many routes, the oldest, were dropped. */
  onDropped(routes: number): void;
}

export class RouteLog {
  readonly #maxBytes: number;
  readonly #deps: RouteLogDeps;
  #memory: RouteMemory;
  #bytes: Uint8Array;
  #end: number;
  /** Where the newest frame of each module begins, in the order of their arrival. */
  readonly #frameAt = new Map<RouteKey, number>();
  #liveBytes = 0;

  /** @param maxBytes limit of the routes' bytes; the memory may be twice as large, because of what was replaced */
  constructor(memory: RouteMemory, maxBytes: number, deps: RouteLogDeps) {
    this.#maxBytes = maxBytes;
    this.#deps = deps;
    this.#memory = memory;
    this.#bytes = writableFrames(memory);
    this.#end = committedBytes(memory);
    this.#index();
  }

  get routeCount(): number {
    return this.#frameAt.size;
  }

  has({ modid, cmdid }: ModuleId): boolean {
    return this.#frameAt.has(routeKey(modid, cmdid));
  }

  /** A copy of the body of the module's route. */
  body({ modid, cmdid }: ModuleId): Uint8Array | undefined {
    const at = this.#frameAt.get(routeKey(modid, cmdid));
    return at === undefined ? undefined : this.#bytes.slice(at + HEADER_BYTES, this.#frameEnd(at));
  }

  /** The module has this route, whose body came from dnsserver; without hosts, it does not exist. */
  put({ modid, cmdid }: ModuleId, body: Uint8Array, hasHosts: boolean): void {
    const key = routeKey(modid, cmdid);
    const known = this.#frameAt.get(key);
    if (known === undefined ? !hasHosts : this.#isSame(known, body)) return;
    const frameBytes = HEADER_BYTES + body.length;
    if (known !== undefined) this.#forget(key, known);
    if (this.#end + frameBytes > this.#bytes.length) this.#move(frameBytes);
    const at = this.#end;
    writeHeader(this.#bytes, at, MessageId.GetRouteResponse, body.length);
    this.#bytes.set(body, at + HEADER_BYTES);
    if (hasHosts) this.#remember(key, at);
    this.#end = at + frameBytes;
    commit(this.#memory, this.#end);
  }

  #isSame(at: number, body: Uint8Array): boolean {
    const start = at + HEADER_BYTES;
    if (this.#frameEnd(at) - start !== body.length) return false;
    return body.every((byte, i) => byte === this.#bytes[start + i]);
  }

  #frameEnd(at: number): number {
    return at + HEADER_BYTES + readBodyLength(this.#bytes, at);
  }

  #remember(key: RouteKey, at: number): void {
    this.#frameAt.set(key, at);
    this.#liveBytes += this.#frameEnd(at) - at;
  }

  #forget(key: RouteKey, at: number): void {
    this.#frameAt.delete(key);
    this.#liveBytes -= this.#frameEnd(at) - at;
  }

  /** Reads which frames are there. It looks only at their beginnings, for there may be a hundred thousand. */
  #index(): void {
    const cursor = new BodyCursor();
    for (let at = 0; at + HEADER_BYTES <= this.#end; ) {
      const bodyBytes = readBodyLength(this.#bytes, at);
      const end = at + HEADER_BYTES + bodyBytes;
      if (bodyBytes < 0 || bodyBytes > MAX_BODY_BYTES || end > this.#end) {
        // What follows are no frames.
        this.#end = at;
        break;
      }
      if (readMessageId(this.#bytes, at) === MessageId.GetRouteResponse) this.#indexFrame(cursor, at, end);
      at = end;
    }
  }

  #indexFrame(cursor: BodyCursor, at: number, end: number): void {
    cursor.open(this.#bytes, at + HEADER_BYTES, end);
    let modid = 0;
    let cmdid = 0;
    let tag = 0;
    while (cursor.at < end) {
      tag = cursor.readByte();
      if (tag === MODID) modid = cursor.readVarint();
      else if (tag === CMDID) cmdid = cursor.readVarint();
      else break;
    }
    const key = routeKey(modid, cmdid);
    const known = this.#frameAt.get(key);
    if (known !== undefined) this.#forget(key, known);
    if (tag === HOST) this.#remember(key, at);
  }

  /** Makes room for so many bytes more: the log moves, without the frames that were replaced. */
  #move(moreBytes: number): void {
    let dropped = 0;
    for (const [key, at] of this.#frameAt) {
      if (this.#liveBytes + moreBytes <= this.#maxBytes) break;
      this.#forget(key, at);
      dropped += 1;
    }
    if (dropped > 0) this.#deps.onDropped(dropped);
    const memory = newRouteMemory(Math.max(MIN_CAPACITY, 2 * (this.#liveBytes + moreBytes)));
    const bytes = writableFrames(memory);
    let end = 0;
    for (const [key, at] of this.#frameAt) {
      const frame = this.#bytes.subarray(at, this.#frameEnd(at));
      bytes.set(frame, end);
      this.#frameAt.set(key, end);
      end += frame.length;
    }
    this.#memory = memory;
    this.#bytes = bytes;
    this.#end = end;
    commit(memory, end);
    this.#deps.onMoved(memory);
  }
}
