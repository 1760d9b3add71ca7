import type { LarsApi, LarsHost } from '@lars/client-sdk';
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { HostTable } from './host-table.ts';
import type { Candidate } from './policy.ts';

/** A host of a route, with what is known of it here. */
export interface RouteHost extends Candidate {
  readonly host: LarsHost;
}

export interface RouteBookDeps {
  readonly lars: Pick<LarsApi, 'getRoute'>;
  readonly hosts: HostTable;
  /** Monotonic. */
  readonly nowMs: () => number;
}

interface Page {
  hosts: readonly RouteHost[];
  version: number;
  askedMs: number;
  asking: Promise<void> | undefined;
  /** The agent did not tell when it was asked last. */
  hasFailed: boolean;
}

/** So old a route is asked for again, behind the connection that needs it. */
const REFRESH_MS = 1_000;
/** Hosts of a route that nobody has needed for so long may be somebody else's by now: it is asked for before it is used. */
const OLD_MS = 5_000;
/** Modules that are kept; the one that was asked for first goes. */
const MAX_MODULES = 10_000;

/** The routes of the modules in use. A route that the agent cannot tell any more stays as it was. */
export class RouteBook {
  readonly #deps: RouteBookDeps;
  readonly #pages = new Map<RouteKey, Page>();

  constructor(deps: RouteBookDeps) {
    this.#deps = deps;
  }

  /**
   * The hosts of a module that do not drain; none when the agent knows none, or was never reached. The same array as long as they are the same; a promise only where nothing is known yet,
   * or where it is old and the agent may tell.
   */
  hostsOf(module: ModuleId): readonly RouteHost[] | Promise<readonly RouteHost[]> {
    const page = this.#pageOf(module);
    const ageMs = this.#deps.nowMs() - page.askedMs;
    if (ageMs >= REFRESH_MS) this.#refresh(module, page);
    const isOld = ageMs >= OLD_MS && !page.hasFailed;
    return (page.hosts.length > 0 && !isOld) || page.asking === undefined ? page.hosts : page.asking.then(() => page.hosts);
  }

  #pageOf({ modid, cmdid }: ModuleId): Page {
    const key = routeKey(modid, cmdid);
    let page = this.#pages.get(key);
    if (page === undefined) {
      if (this.#pages.size >= MAX_MODULES) for (const first of [...this.#pages.keys()].slice(0, 1)) this.#pages.delete(first);
      page = { hosts: [], version: -1, askedMs: Number.NEGATIVE_INFINITY, asking: undefined, hasFailed: false };
      this.#pages.set(key, page);
    }
    return page;
  }

  #refresh(module: ModuleId, page: Page): void {
    page.askedMs = this.#deps.nowMs();
    page.asking ??= this.#ask(module, page).finally(() => {
      page.asking = undefined;
    });
  }

  async #ask({ modid, cmdid }: ModuleId, page: Page): Promise<void> {
    try {
      const { hosts, version } = await this.#deps.lars.getRoute(modid, cmdid);
      page.hasFailed = false;
      // Agents of the first generation do not number routes: theirs are new each time.
      if (version === page.version && version !== 0) return;
      page.version = version;
      page.hosts = hosts
        .filter(({ drain }) => !drain)
        .map(host => ({ host, weight: host.weight, state: this.#deps.hosts.stateOfHost(host) }));
    } catch {
      page.hasFailed = true;
      // The agent is away: what is known goes on, and the pick itself says what is wrong.
    }
  }
}
