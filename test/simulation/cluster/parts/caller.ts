/** A business process: it calls modules through the SDK all the time, and reports how the calls went. */
import { LarsClient, LarsError, type LarsHost } from '@lars/client-sdk';
import type { ModuleId } from '@lars/proto';
import { kernel } from '../host/kernel.ts';
import type { Machine } from '../host/machine.ts';
import { SimulatedProcess } from '../host/process.ts';
import { AGENT_PORT, ROUTES_FILE } from './cluster-config.ts';

export interface CallerOptions {
  readonly modules: readonly ModuleId[];
  /** Between two calls, on average. */
  readonly pauseMs: number;
  readonly hasCache: boolean;
  readonly errorShare: number;
}

export interface CallerDeps {
  onPick(host: LarsHost): void;
  onReport(machine: Machine, host: LarsHost): void;
}

const TIMEOUT_MS = 500;
/** A request must be settled by then, if the process does not hang. */
const SETTLED_MS = 1_500;

export class Caller {
  readonly machine: Machine;
  readonly #name: string;
  readonly #options: CallerOptions;
  readonly #deps: CallerDeps;
  process: SimulatedProcess | undefined;
  client: LarsClient | undefined;
  /** The requests that wait, with the moment at which each must be settled. */
  readonly #open = new Map<number, number>();
  #requests = 0;
  #isCalling = true;
  picks = 0;
  failures = 0;

  constructor(name: string, machine: Machine, options: CallerOptions, deps: CallerDeps) {
    this.#name = name;
    this.machine = machine;
    this.#options = options;
    this.#deps = deps;
  }

  start(): void {
    if (this.process !== undefined) return;
    const process = new SimulatedProcess(this.#name, this.machine);
    this.process = process;
    process.atEnd(() => {
      this.process = undefined;
      this.client = undefined;
      this.#open.clear();
    });
    kernel.runAs(process, () => {
      this.client = new LarsClient({
        ports: AGENT_PORT,
        timeoutMs: TIMEOUT_MS,
        cache: this.#options.hasCache,
        routesFile: ROUTES_FILE,
      });
    });
    this.#scheduleCall(process);
  }

  /** Calls no more; the client stays. */
  calm(): void {
    this.#isCalling = false;
  }

  /** Every request must be settled in time, whatever happens to the agent. */
  check(): void {
    if (this.process === undefined || this.process.stalledUntilMs + SETTLED_MS > kernel.nowMs) return;
    for (const dueMs of this.#open.values()) {
      if (dueMs < kernel.nowMs) kernel.violate(`${this.#name}: a getHost was never settled`);
    }
  }

  /** The hosts of a module as the agent has them; undefined when there is no answer. */
  async routeOf(module: ModuleId): Promise<readonly string[] | undefined> {
    const { client, process } = this;
    if (client === undefined) return undefined;
    try {
      const { hosts } = await kernel.runAs(process, () => client.getRoute(module.modid, module.cmdid));
      return hosts.map(({ authority, drain }) => `${authority}${drain ? ' drain' : ''}`);
    } catch (error) {
      if (error instanceof LarsError) return undefined;
      throw error;
    }
  }

  /** One pick, outside the usual calls. */
  async pick({ modid, cmdid }: ModuleId): Promise<string | undefined> {
    const { client, process } = this;
    try {
      return (await kernel.runAs(process, () => client?.getHost(modid, cmdid)))?.authority;
    } catch (error) {
      if (error instanceof LarsError) return undefined;
      throw error;
    }
  }

  #scheduleCall(process: SimulatedProcess): void {
    kernel.schedule(kernel.between(0, 2 * this.#options.pauseMs), process, () => {
      if (!this.#isCalling) return;
      void this.#call();
      this.#scheduleCall(process);
    });
  }

  async #call(): Promise<void> {
    const { modules } = this.#options;
    const { modid, cmdid } = modules[Math.floor(kernel.random() ** 2 * modules.length)] as ModuleId;
    const host = await this.#getHost(modid, cmdid);
    if (host === undefined) return;
    this.#deps.onPick(host);
    const tcostMs = kernel.between(1, 30);
    await new Promise(resolve => setTimeout(resolve, tcostMs));
    if (this.client === undefined) return;
    const isOk = !kernel.chance(this.#options.errorShare);
    this.#deps.onReport(this.machine, host);
    this.client.report(host, { ok: isOk, tcostMs });
  }

  async #getHost(modid: number, cmdid: number): Promise<LarsHost | undefined> {
    this.#requests += 1;
    const request = this.#requests;
    this.#open.set(request, kernel.nowMs + SETTLED_MS);
    try {
      const host = await this.client?.getHost(modid, cmdid);
      this.picks += 1;
      return host;
    } catch (error) {
      if (!(error instanceof LarsError)) throw error;
      this.failures += 1;
      return undefined;
    } finally {
      this.#open.delete(request);
    }
  }
}
