import { routeKey } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import type { DnsserverCounter } from '../../counters.ts';
import type { Route } from '../../follow/route.ts';
import { RouteFeed } from '../encode-queue.ts';
import type { EncodedRoute } from '../encoded-route.ts';
import type { RouteEncoder } from '../route-encoder.ts';
import { Followers } from './followers.ts';
import type { Interest, MailToWorker } from './messages.ts';
import { packRoutes } from './route-pack.ts';

export interface WorkerRoutesOptions {
  readonly workers: number;
  readonly encoder: RouteEncoder;
  readonly counters: CounterBank<DnsserverCounter>;
  readonly post: (worker: number, mail: MailToWorker) => void;
}

/**
 * What main tells the worker threads of routes: each hears of the modules that its connections asked for, and of no other. A worker
 * that follows a module gets it as the table has it at that moment, and every later change behind that.
 */
export class WorkerRoutes {
  readonly #options: WorkerRoutesOptions;
  readonly #followers = new Followers();
  readonly #feed: RouteFeed;

  constructor(options: WorkerRoutesOptions) {
    const { encoder, counters } = options;
    this.#options = options;
    this.#feed = new RouteFeed({
      isFollowed: key => this.#followers.has(key),
      encode: route => encoder.encode(route),
      deliver: (encoded, quiet) => this.#deliver(encoded, quiet),
      counters,
    });
  }

  /** Modules that some worker follows. */
  get followed(): number {
    return this.#followers.size;
  }

  /** @param quiet see Front.publish */
  publish(routes: readonly Route[], quiet: boolean): void {
    this.#feed.add(routes, quiet);
  }

  onInterests(worker: number, interests: readonly Interest[]): void {
    const routes: EncodedRoute[] = [];
    for (const { modid, cmdid, follows } of interests) {
      const key = routeKey(modid, cmdid);
      if (!follows) this.#followers.remove(key, worker);
      else {
        this.#followers.add(key, worker);
        routes.push(this.#options.encoder.find({ modid, cmdid }));
      }
    }
    if (routes.length > 0) this.#options.post(worker, { type: 'routes', routes: packRoutes(routes), quiet: false });
  }

  /** The worker has died and follows nothing any more. */
  forget(worker: number): void {
    this.#followers.forget(worker);
  }

  stop(): void {
    this.#feed.stop();
  }

  #deliver(routes: readonly EncodedRoute[], quiet: boolean): void {
    for (let worker = 0; worker < this.#options.workers; worker++) {
      const followed = routes.filter(({ modid, cmdid }) => this.#followers.follows(routeKey(modid, cmdid), worker));
      if (followed.length > 0) this.#options.post(worker, { type: 'routes', routes: packRoutes(followed), quiet });
    }
  }
}
