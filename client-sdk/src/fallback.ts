import type { CacheDriver } from './cache/index.ts';
import type { LarsHost } from './lars-host.ts';
import type { ShardChannel } from './link/index.ts';
import { RoutesFile } from './routes-file/routes-file.ts';
import type { AbsenceStats } from './stats.ts';

/** What a client without a fallback says of the agent's absence. */
export const NO_FALLBACK: AbsenceStats = {
  fallbackPicks: 0,
  agentAway: false,
  agentAwayForMs: 0,
  unsentResults: 0,
  droppedResults: 0,
  routesFileErrors: 0,
  routesFileProblem: undefined,
};

/** Picks while the agent is away: from the last route that the client knows, or from the one in the agent's file. */
export class Fallback {
  readonly #driver: CacheDriver;
  readonly #routesFile: RoutesFile | undefined;
  readonly #nowMs: () => number;

  /** @param path of the agent's file, where there is one */
  constructor(driver: CacheDriver, path: string | undefined, nowMs: () => number) {
    this.#driver = driver;
    this.#routesFile = path === undefined ? undefined : new RoutesFile(path, nowMs);
    this.#nowMs = nowMs;
  }

  /** A host for a call for which the agent cannot be asked; undefined where no route is known. */
  async pick(modid: number, cmdid: number): Promise<LarsHost | undefined> {
    const { cache } = this.#driver;
    if (this.#routesFile !== undefined && !cache.hasCopy(modid, cmdid)) {
      const route = await this.#routesFile.find(modid, cmdid);
      // Another call of the module may have waited for the file too, and the agent may have come back meanwhile.
      if (route !== undefined && !cache.hasCopy(modid, cmdid)) cache.onForeignRoute(route, this.#nowMs());
    }
    return this.#driver.pickUnasked(modid, cmdid);
  }

  /** Whether `pick` may find a host. */
  mayPick(modid: number, cmdid: number): boolean {
    return this.#routesFile !== undefined || this.#driver.cache.hasCopy(modid, cmdid);
  }

  /** @returns why the agent's file is of no use, where there is one and it is of none */
  async lookAtRoutesFile(): Promise<string | undefined> {
    return this.#routesFile?.look();
  }

  stats(channels: readonly Pick<ShardChannel, 'absence'>[]): AbsenceStats {
    const absences = channels.map(channel => channel.absence);
    const since = absences.flatMap(({ sinceMs }) => sinceMs ?? []);
    return {
      fallbackPicks: this.#driver.cache.alonePicks,
      agentAway: since.length > 0,
      agentAwayForMs: since.length > 0 ? this.#nowMs() - Math.min(...since) : 0,
      unsentResults: absences.reduce((sum, { unsentCalls }) => sum + unsentCalls, 0),
      droppedResults: absences.reduce((sum, { droppedCalls }) => sum + droppedCalls, 0),
      routesFileErrors: this.#routesFile?.errors ?? 0,
      routesFileProblem: this.#routesFile?.problem,
    };
  }

  close(): void {
    this.#routesFile?.close();
  }
}
