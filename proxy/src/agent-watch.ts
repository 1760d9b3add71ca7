import type { LarsClient } from '@lars/client-sdk';
import { formatModule } from '@lars/proto';
import type { Logger } from '@lars/runtime/log';
import { type ListenerRules, modulesOf } from './listen/listener-rules.ts';

/** Beyond what an agent takes to learn a route for the first time. */
const FIRST_ROUTE_MS = 3_000;

export interface AgentWatchDeps {
  readonly client: LarsClient;
  readonly log: Logger;
}

/** What the log says of the agent. */
export class AgentWatch {
  /** 'HOST:PORTS' */
  readonly #place: string;
  readonly #deps: AgentWatchDeps;
  #isAway = false;
  /** Several threads have the same file, and one of them tells of it. */
  #isTellingOfFile = false;
  #fileProblem: string | undefined;

  constructor(place: string, deps: AgentWatchDeps) {
    this.#place = place;
    this.#deps = deps;
  }

  /** An agent that is away, a module that nobody has added, and a file of routes that is of no use are told at the start, and not by the first client that is refused. To be called in one thread. */
  async askForModules(rules: readonly ListenerRules[], isOver: () => boolean): Promise<void> {
    const { client, log } = this.#deps;
    this.#isTellingOfFile = true;
    this.#tellOfFile(await client.checkRoutesFile());
    for (const { modid, cmdid } of modulesOf(rules)) {
      const known = await client.register(modid, cmdid, { timeoutMs: FIRST_ROUTE_MS }).then(
        () => true,
        () => false,
      );
      if (isOver() || client.stats().agentAway) return;
      if (!known) {
        const module = formatModule(modid, cmdid);
        log.warn('the agent knows no host of a module: its connections are refused until it does', { module });
      }
    }
  }

  /** @returns whether the agent is away; when that changes, the log says so */
  look(): boolean {
    const { client, log } = this.#deps;
    const { agentAway: isAway, routesFileProblem } = client.stats();
    this.#tellOfFile(routesFileProblem);
    if (isAway === this.#isAway) return isAway;
    this.#isAway = isAway;
    const agent = { agent: this.#place };
    if (isAway) log.warn('the agent does not answer: hosts are picked from the last routes', agent);
    else log.info('the agent answers again', agent);
    return isAway;
  }

  #tellOfFile(problem: string | undefined): void {
    if (!this.#isTellingOfFile || problem === this.#fileProblem) return;
    this.#fileProblem = problem;
    const { log } = this.#deps;
    if (problem === undefined) log.info("the file of the agent's routes is of use again");
    else {
      log.warn(
        "the file of the agent's routes is of no use: while the agent is away, connections to modules that were not called before are refused",
        {
          problem,
          key: '[agent] routes_file',
        },
      );
    }
  }
}
