import { MailBatch } from '../threads/mail-batch.ts';
import { ownerOf, type RouteNews, SHARD_NAMES, type ShardName } from '../threads/messages.ts';

/** What one chunk from dnsserver says goes to each shard as one message. */
export class NewsForShards {
  readonly #batches: ReadonlyMap<ShardName, MailBatch<RouteNews>>;
  #isDue = false;

  constructor(post: (shard: ShardName, routes: readonly RouteNews[]) => void) {
    this.#batches = new Map(SHARD_NAMES.map(shard => [shard, new MailBatch(routes => post(shard, routes))]));
  }

  add(route: RouteNews): void {
    this.#batches.get(ownerOf(route))?.add(route);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      for (const batch of this.#batches.values()) batch.flush();
    });
  }
}
