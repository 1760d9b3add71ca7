// pure
/**
 * The agent's side of the conversation with dnsserver: which modules are held, which questions are open, what is asked again
 * after a reconnect. It speaks through `send` and hands what it learns to `onRoute`; the link itself is the shell's (dns-thread.ts).
 */
import {
  decodeBody,
  encodeFrame,
  Feature,
  type GetRouteResponse,
  LarsProtocolError,
  MessageId,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import { type DnsCounter, dnsCounters } from '../counters.ts';
import type { ModuleId, RouteQuestion } from '../threads/messages.ts';
import { isUsableHost } from './usable-host.ts';

const count = dnsCounters.at;

/** What the agent understands of a route. */
const FEATURES = Feature.HostAddr | Feature.Drain;

export interface RouteSubscriberOptions {
  /** So many modules may be asked for without an answer yet; more are refused. */
  readonly maxOpen: number;
  /** Without any answer for this long while questions are open, the link is given up. */
  readonly answerTimeoutMs: number;
  readonly counters: CounterBank<DnsCounter>;
}

export interface RouteSubscriberPorts {
  /** false when the link is down. */
  send(frame: Uint8Array): boolean;
  /** Not for a route that is the same as it was. */
  onRoute(response: GetRouteResponse): void;
}

interface OpenQuestion extends RouteQuestion {
  /** When it was sent last; undefined while it was not. */
  askedMs: number | undefined;
}

export class RouteSubscriber {
  readonly #options: RouteSubscriberOptions;
  readonly #ports: RouteSubscriberPorts;
  /** Modules that have hosts, with the revision held: they are asked for again on every new connection. */
  readonly #held = new Map<RouteKey, RouteQuestion>();
  /** Asked, or to be asked when the link stands, and not answered yet. */
  readonly #open = new Map<RouteKey, OpenQuestion>();
  /** Since when an answer is due; undefined while none is. */
  #waitingSinceMs: number | undefined;

  constructor(options: RouteSubscriberOptions, ports: RouteSubscriberPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** A shard wants a module's route. Asked once until it is answered, and again when the answer is overdue. */
  pull(question: RouteQuestion, nowMs: number): void {
    const asked = this.#open.get(routeKey(question.modid, question.cmdid));
    if (asked !== undefined) {
      // A server may answer others and have lost this one.
      if (asked.askedMs !== undefined && nowMs - asked.askedMs > this.#options.answerTimeoutMs) this.#ask(asked, nowMs);
    } else if (this.#open.size >= this.#options.maxOpen) {
      this.#options.counters.add(count.pullsRefused);
    } else {
      this.#ask(this.#opened(question), nowMs);
    }
  }

  /** A new connection: dnsserver knows nothing of us. Everything held or open is asked for again, which subscribes to it. */
  onLinkUp(nowMs: number): void {
    this.#options.counters.add(count.reconnects);
    this.#waitingSinceMs = undefined;
    for (const [key, question] of this.#held) {
      if (!this.#open.has(key)) this.#opened(question);
    }
    for (const question of this.#open.values()) this.#ask(question, nowMs);
  }

  onLinkDown(): void {
    this.#waitingSinceMs = undefined;
    for (const question of this.#open.values()) question.askedMs = undefined;
  }

  /** A shard's thread was replaced and holds nothing: its modules are asked for in full, as soon as the link stands. */
  refetch(belongs: (module: ModuleId) => boolean, nowMs: number): void {
    const known = new Map<RouteKey, RouteQuestion>([...this.#held, ...this.#open]);
    for (const question of known.values()) {
      if (belongs(question)) this.#ask(this.#opened({ ...question, version: 0 }), nowMs);
    }
  }

  /** @throws {LarsProtocolError} when the server speaks nonsense: close the connection */
  onFrame(id: number, body: Uint8Array): void {
    this.#waitingSinceMs = undefined;
    try {
      if (id !== MessageId.GetRouteResponse) throw new LarsProtocolError('BAD_MESSAGE_ID', `dnsserver sent message id ${id}`);
      this.#onResponse(decodeBody(MessageId.GetRouteResponse, body));
    } catch (error) {
      this.#options.counters.add(count.badFrames);
      throw error;
    }
  }

  /** Has the server been silent for too long while an answer is due? */
  isOverdue(nowMs: number): boolean {
    return this.#waitingSinceMs !== undefined && nowMs - this.#waitingSinceMs > this.#options.answerTimeoutMs;
  }

  #opened({ modid, cmdid, version }: RouteQuestion): OpenQuestion {
    const question = { modid, cmdid, version, askedMs: undefined };
    this.#open.set(routeKey(modid, cmdid), question);
    return question;
  }

  #ask(question: OpenQuestion, nowMs: number): void {
    const { modid, cmdid, version } = question;
    const frame = encodeFrame(MessageId.GetRouteRequest, { modid, cmdid, version, features: FEATURES });
    if (!this.#ports.send(frame)) return;
    question.askedMs = nowMs;
    this.#options.counters.add(count.requests);
    this.#waitingSinceMs ??= nowMs;
  }

  #onResponse(response: GetRouteResponse): void {
    const { modid, cmdid, version } = response;
    const key = routeKey(modid, cmdid);
    this.#options.counters.add(response.notModified ? count.notModified : count.responses);
    const asked = this.#open.get(key);
    this.#open.delete(key);
    if (response.notModified) {
      // After this thread was replaced it learns in this way what the shards hold.
      if (asked !== undefined && asked.version !== this.#held.get(key)?.version)
        this.#held.set(key, { modid, cmdid, version: asked.version });
      return;
    }
    const host = response.host.filter(isUsableHost);
    this.#options.counters.add(count.hostsRefused, response.host.length - host.length);
    if (host.length === 0) this.#held.delete(key);
    else this.#held.set(key, { modid, cmdid, version });
    this.#ports.onRoute({ ...response, host });
  }
}
