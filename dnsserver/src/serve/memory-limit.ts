// pure
/** Bounds what agents can make a thread of dnsserver remember: subscriptions, their encoded routes, parked requests and backlogs. */
import type { EncodedRoute } from './encoded-route.ts';

export interface MemoryLimits {
  /** Bytes that one connection may take, and all of this thread together. */
  readonly perConnection: number;
  readonly total: number;
}

/** What the limit has to know and to do. */
export interface MemoryUsers<Connection> {
  subscriptionsOf(connection: Connection): number;
  readonly subscriptions: number;
  readonly modules: number;
  /** All that have subscriptions. */
  connections(): Iterable<Connection>;
  parkedOf(connection: Connection): number;
  backlogOf(connection: Connection): number;
  close(connection: Connection, why: string): void;
}

/** Measured with many modules of one subscriber each, the dearest case; frames come on top. */
const SUBSCRIPTION_BYTES = 160;
const MODULE_BYTES = 800;
const PARKED_BYTES = 128;
/** A smaller backlog is the ordinary case, and costs less than to remember it. */
const NOTED_BACKLOG_BYTES = 16_384;

export class MemoryLimit<Connection> {
  readonly #limits: MemoryLimits;
  readonly #users: MemoryUsers<Connection>;
  readonly #backlogs = new Map<Connection, number>();
  #backlogBytes = 0;
  #frameBytes = 0;

  constructor(limits: MemoryLimits, users: MemoryUsers<Connection>) {
    this.#limits = limits;
    this.#users = users;
  }

  /** Bytes, as far as they are counted. */
  get total(): number {
    const { subscriptions, modules } = this.#users;
    return subscriptions * SUBSCRIPTION_BYTES + modules * MODULE_BYTES + this.#frameBytes + this.#backlogBytes;
  }

  /** A module has another encoded route than before. */
  changeRoute(before: EncodedRoute | undefined, after: EncodedRoute | undefined): void {
    this.#frameBytes += framesOf(after) - framesOf(before);
  }

  /** The connection has asked, or was sent something. Closes it when it takes too much, and the largest while all take too much. */
  check(connection: Connection): void {
    this.#noteBacklog(connection);
    const bytes = this.#bytesOf(connection);
    if (bytes > this.#limits.perConnection)
      this.#users.close(connection, `it takes ${bytes} bytes, more than [tcp] max_connection_memory`);
    else if (this.total > this.#limits.total) this.#makeRoom();
  }

  /** As `check`, for a connection that was answered, and has no more subscriptions or parked requests than before: most have no backlog worth a look. */
  checkAnswered(connection: Connection): void {
    if (this.#users.backlogOf(connection) >= NOTED_BACKLOG_BYTES || this.#backlogs.has(connection)) this.check(connection);
  }

  /** The connection is closed. */
  drop(connection: Connection): void {
    this.#backlogBytes -= this.#backlogs.get(connection) ?? 0;
    this.#backlogs.delete(connection);
  }

  #makeRoom(): void {
    // What was noted may have left since.
    for (const connection of [...this.#backlogs.keys()]) this.#noteBacklog(connection);
    while (this.total > this.#limits.total) {
      const largest = this.#largest();
      if (largest === undefined) return;
      const bytes = this.#bytesOf(largest);
      this.#users.close(largest, `all connections take more than [tcp] max_memory, and this one the most, ${bytes} bytes`);
    }
  }

  #largest(): Connection | undefined {
    let largest: Connection | undefined;
    let most = 0;
    for (const connection of new Set([...this.#users.connections(), ...this.#backlogs.keys()])) {
      const bytes = this.#bytesOf(connection);
      if (bytes <= most) continue;
      most = bytes;
      largest = connection;
    }
    return largest;
  }

  #bytesOf(connection: Connection): number {
    const users = this.#users;
    const backlog = this.#backlogs.get(connection) ?? 0;
    return users.subscriptionsOf(connection) * SUBSCRIPTION_BYTES + users.parkedOf(connection) * PARKED_BYTES + backlog;
  }

  #noteBacklog(connection: Connection): void {
    const now = this.#users.backlogOf(connection);
    const before = this.#backlogs.get(connection) ?? 0;
    if (before === 0 && now < NOTED_BACKLOG_BYTES) return;
    this.#backlogBytes += now - before;
    if (now === 0) this.#backlogs.delete(connection);
    else this.#backlogs.set(connection, now);
  }
}

function framesOf(route: EncodedRoute | undefined): number {
  if (route === undefined) return 0;
  let bytes = route.notModified?.length ?? 0;
  for (const [understood, frame] of route.frames.entries()) if ((understood & route.needed) === understood) bytes += frame.length;
  return bytes;
}
