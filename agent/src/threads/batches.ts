// pure
/**
 * Collects what goes to another thread: a message of many items costs little more than one of a single item. Whoever adds to a batch sees
 * to it that it is flushed soon.
 */
import type { ModuleId } from '@lars/proto';
import { ownerOf, type PackedRouteQueries, type RouteQuery, type RouteUpdate, SHARD_NAMES, type ShardName } from './messages.ts';

/** Limit of the items in one message: a longer one would keep the thread that gets it busy for too long. */
const MAX_ITEMS = 1_000;
const NUMBERS_PER_QUERY = 3;

export class MessageBatch<Item> {
  readonly #post: (items: readonly Item[]) => void;
  #items: Item[] = [];

  constructor(post: (items: readonly Item[]) => void) {
    this.#post = post;
  }

  add(item: Item): void {
    this.#items.push(item);
    if (this.#items.length >= MAX_ITEMS) this.flush();
  }

  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#post(items);
  }
}

/** A batch of route queries, which cross as numbers. */
export class RouteQueryBatch {
  readonly #post: (packed: PackedRouteQueries) => void;
  #numbers: number[] = [];

  constructor(post: (packed: PackedRouteQueries) => void) {
    this.#post = post;
  }

  add({ modid, cmdid }: ModuleId, version: number): void {
    this.#numbers.push(modid, cmdid, version);
    if (this.#numbers.length >= MAX_ITEMS * NUMBERS_PER_QUERY) this.flush();
  }

  flush(): void {
    if (this.#numbers.length === 0) return;
    const packed = Float64Array.from(this.#numbers);
    this.#numbers = [];
    this.#post(packed);
  }
}

export function unpackRouteQueries(packed: PackedRouteQueries, visit: (query: RouteQuery) => void): void {
  for (let at = 0; at < packed.length; at += NUMBERS_PER_QUERY) {
    visit({ modid: packed[at] as number, cmdid: packed[at + 1] as number, version: packed[at + 2] as number });
  }
}

/** Modules of which each shard is told that dnsserver alone can tell their routes. */
export class AwaitedRoutes {
  readonly #batches: ReadonlyMap<ShardName, RouteQueryBatch>;

  constructor(post: (shard: ShardName, modules: PackedRouteQueries) => void) {
    this.#batches = new Map(SHARD_NAMES.map(shard => [shard, new RouteQueryBatch(modules => post(shard, modules))]));
  }

  add(module: ModuleId): void {
    this.#batches.get(ownerOf(module))?.add(module, 0);
  }

  flush(): void {
    for (const batch of this.#batches.values()) batch.flush();
  }
}

/** A batch of route updates for each shard; all that one chunk from dnsserver brings goes to each shard as one message. */
export class RouteUpdateBatcher {
  readonly #batches: ReadonlyMap<ShardName, MessageBatch<RouteUpdate>>;
  readonly #afterChunk: (flush: () => void) => void;
  #isFlushDue = false;

  /** @param afterChunk calls back once, when the chunk was handled as a whole */
  constructor(post: (shard: ShardName, updates: readonly RouteUpdate[]) => void, afterChunk: (flush: () => void) => void) {
    this.#afterChunk = afterChunk;
    this.#batches = new Map(SHARD_NAMES.map(shard => [shard, new MessageBatch(updates => post(shard, updates))]));
  }

  add(update: RouteUpdate): void {
    this.#batches.get(ownerOf(update))?.add(update);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#afterChunk(() => {
      this.#isFlushDue = false;
      for (const batch of this.#batches.values()) batch.flush();
    });
  }
}
