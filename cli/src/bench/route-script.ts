// pure
import { decodeBody, encodeFrame, MessageId, type ModuleId } from '@lars/proto';
import type { LaneScript } from './frame-lane.ts';

/** Asks dnsserver for one module after the other, each time for the whole route. */
export class RouteScript implements LaneScript {
  readonly #requests: RouteRequests;
  readonly #onFirst: (hosts: number) => void;
  #next: number;
  #frames = 0;

  /** @param onFirst hears how many hosts the first answer has: later ones are only counted */
  constructor(requests: RouteRequests, firstModule: number, onFirst: (hosts: number) => void) {
    this.#requests = requests;
    this.#next = firstModule % requests.modules;
    this.#onFirst = onFirst;
  }

  requests(count: number): Uint8Array {
    const bytes = this.#requests.stretch(this.#next, count);
    this.#next = (this.#next + count) % this.#requests.modules;
    return bytes;
  }

  onFrame(id: number, body: Uint8Array): number {
    if (id !== MessageId.GetRouteResponse) return 0;
    if (this.#frames++ === 0) this.#onFirst(decodeBody(MessageId.GetRouteResponse, body).host.length);
    return 1;
  }
}

/**
 * The requests for all modules one after the other, for all connections, and the first ones again, so that a whole window is one
 * stretch wherever it begins.
 */
export class RouteRequests {
  readonly modules: number;
  readonly #bytes: Uint8Array;
  /** Where each request begins, and where the last one ends. */
  readonly #offsets: readonly number[];

  constructor(modules: readonly ModuleId[], window: number) {
    const frames = modules.map(({ modid, cmdid }) =>
      encodeFrame(MessageId.GetRouteRequest, { modid, cmdid, version: 0, features: 0 }),
    );
    const ring = Array.from({ length: modules.length + window - 1 }, (_, at) => frames[at % frames.length] as Uint8Array);
    const offsets = [0];
    for (const { length } of ring) offsets.push((offsets.at(-1) as number) + length);
    this.modules = modules.length;
    this.#bytes = new Uint8Array(offsets.at(-1) as number);
    for (const [at, frame] of ring.entries()) this.#bytes.set(frame, offsets[at]);
    this.#offsets = offsets;
  }

  /** @param count at most the window */
  stretch(first: number, count: number): Uint8Array {
    return this.#bytes.subarray(this.#offsets[first], this.#offsets[first + count]);
  }
}
