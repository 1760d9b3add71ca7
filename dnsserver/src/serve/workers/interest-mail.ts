import type { ModuleId } from '../../follow/route.ts';
import type { EncodedRoute } from '../encoded-route.ts';
import type { RouteSource } from '../route-service.ts';
import type { Interest } from './messages.ts';

/** Asks main for routes. What one turn of the event loop begins and ceases to follow goes as one piece of mail. */
export class InterestMail implements RouteSource {
  readonly #post: (interests: readonly Interest[]) => void;
  #interests: Interest[] = [];

  constructor(post: (interests: readonly Interest[]) => void) {
    this.#post = post;
  }

  follow(module: ModuleId): EncodedRoute | undefined {
    this.#add(module, true);
    return undefined;
  }

  unfollow(module: ModuleId): void {
    this.#add(module, false);
  }

  #add({ modid, cmdid }: ModuleId, follows: boolean): void {
    if (this.#interests.length === 0) queueMicrotask(() => this.#send());
    this.#interests.push({ modid, cmdid, follows });
  }

  #send(): void {
    this.#post(this.#interests);
    this.#interests = [];
  }
}
