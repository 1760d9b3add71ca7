/** Routes and connections for the tests of what answers and pushes. */
import { decodeBody, decodeDatagram, FrameDecoder, type GetRouteResponse, type HostInfo, MessageId } from '@lars/proto';
import { expect } from 'vitest';
import type { Route } from '../../../../dnsserver/src/follow/route-table.ts';
import { type EncodedRoute, encodeRoute } from '../../../../dnsserver/src/serve/encoded-route.ts';
import type { RouteConnection } from '../../../../dnsserver/src/serve/subscriptions.ts';

export function route(hosts: readonly HostInfo[], version = 7, modid = 1): Route {
  return { modid, cmdid: 2, hosts, version, local: false };
}

export function encoded(made: Route): EncodedRoute {
  return encodeRoute(made, () => {
    throw new Error('truncated');
  });
}

export function decode(frame: Uint8Array): GetRouteResponse {
  const { id, body } = decodeDatagram(frame);
  expect(id).toBe(MessageId.GetRouteResponse);
  return decodeBody(MessageId.GetRouteResponse, body);
}

/** A connection that keeps what it is sent, and when it left. */
export class RecordingConnection implements RouteConnection {
  readonly received: GetRouteResponse[] = [];
  /** Of each flush, how many frames left. */
  readonly flushes: number[] = [];
  paused = false;
  closed = false;
  #queued: GetRouteResponse[] = [];

  send(bytes: Uint8Array): boolean {
    return this.queue(bytes) && this.flush();
  }

  queue(bytes: Uint8Array): boolean {
    if (this.closed) return false;
    new FrameDecoder().push(bytes, (_, body) => this.#queued.push(decodeBody(MessageId.GetRouteResponse, body)));
    return true;
  }

  flush(): boolean {
    if (this.#queued.length > 0) this.flushes.push(this.#queued.length);
    this.received.push(...this.#queued.splice(0));
    return !this.closed;
  }

  readonly unsentBytes = 0;

  destroy(): void {
    this.closed = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

export const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
