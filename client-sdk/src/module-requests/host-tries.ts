import type { ModuleId } from '@lars/proto';
import { takeBackPick } from '../cache/index.ts';
import type { LarsApi } from '../lars-api.ts';
import type { LarsHost } from '../lars-host.ts';
import type { RequestSettings } from './request-settings.ts';

/** What the tries of a request need. */
export interface TryDeps {
  readonly lars: LarsApi;
  readonly nowMs: () => number;
}

/** So many picks at most are spent on finding a host that was not tried yet. */
const MAX_PICKS = 3;
/** How long the agent may take to tell which other hosts there are. */
const ROUTE_TIMEOUT_MS = 200;

/** The hosts of one request to a module, each picked once. */
export class HostTries {
  readonly #module: ModuleId;
  readonly #settings: RequestSettings;
  readonly #deps: TryDeps;
  readonly #tried = new Set<string>();

  constructor(module: ModuleId, settings: RequestSettings, deps: TryDeps) {
    this.#module = module;
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Whether another host may be tried, as far as the number of tries goes. */
  get areLeft(): boolean {
    return this.#tried.size < this.#settings.maxTries;
  }

  /**
   * Picks the next host.
   * @returns undefined where LARS has no other than those that were tried
   * @throws {LarsError} as getHost does
   */
  async next(signal: AbortSignal): Promise<HostTry | undefined> {
    const { lars, nowMs } = this.#deps;
    const { modid, cmdid } = this.#module;
    for (let picks = 0; picks < MAX_PICKS; picks++) {
      let host = lars.tryGetHost(modid, cmdid);
      if (host === undefined) {
        if (!(await this.#areOthers(signal))) return undefined;
        host = await lars.getHost(modid, cmdid, { signal });
      }
      if (!this.#tried.has(host.authority)) {
        this.#tried.add(host.authority);
        return new HostTry(host, this.#settings.isFailure, lars, nowMs);
      }
      takeBackPick(host);
    }
    return undefined;
  }

  /**
   * Whether the route has hosts that were not tried. A pick of the agent's cannot be taken back: it counts as a call in flight for some seconds. So
   * none is made where it must be in vain, as with each request to a module whose only host is gone.
   */
  async #areOthers(signal: AbortSignal): Promise<boolean> {
    if (this.#tried.size === 0) return true;
    const { modid, cmdid } = this.#module;
    try {
      const { hosts } = await this.#deps.lars.getRoute(modid, cmdid, { signal, timeoutMs: ROUTE_TIMEOUT_MS });
      return hosts.length === 0 || hosts.some(host => !host.drain && !this.#tried.has(host.authority));
    } catch {
      // Without the agent the client picks by itself, and such picks can be taken back.
      return true;
    }
  }
}

/** A request at one host, timed from now on, and reported once at most. */
export class HostTry {
  readonly host: LarsHost;
  readonly #isFailure: (statusCode: number) => boolean;
  readonly #lars: LarsApi;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  #isReported = false;

  constructor(host: LarsHost, isFailure: (statusCode: number) => boolean, lars: LarsApi, nowMs: () => number) {
    this.host = host;
    this.#isFailure = isFailure;
    this.#lars = lars;
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  report(ok: boolean): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#lars.report(this.host, { ok, tcostMs: this.#nowMs() - this.#startMs });
  }

  /** The headers of the response have come. */
  reportStatus(statusCode: number): void {
    let isFailure = true;
    try {
      isFailure = this.#isFailure(statusCode) !== false;
    } catch {
      // What cannot be judged is a failure.
    }
    this.report(!isFailure);
  }

  /** Nothing was sent to the host, nor will be. */
  takeBack(): void {
    if (this.#isReported) return;
    this.#isReported = true;
    takeBackPick(this.host);
  }
}
