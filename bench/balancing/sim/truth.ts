// pure
/** What was true of the hosts of a scenario, and when: the yardstick that no balancer sees. */
import { Agenda } from './agenda.ts';
import type { Scenario } from './scenario.ts';
import { World } from './world.ts';

const STEP_MS = 50;

export const Standing = { absent: 0, healthy: 1, broken: 2 } as const;
export type Standing = (typeof Standing)[keyof typeof Standing];

export interface Spell {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Standings are looked at every 50 ms. */
export class Truth {
  /** One row a host, one column a step. */
  readonly #standings: readonly Uint8Array[];
  readonly #choice: readonly boolean[];
  readonly #steps: number;

  constructor(scenario: Scenario) {
    this.#steps = Math.ceil(scenario.durationMs / STEP_MS);
    this.#standings = scenario.hosts.map(() => new Uint8Array(this.#steps));
    const agenda = new Agenda();
    const world = new World(scenario, agenda);
    // Changes were put down first, so those of a step's own moment are already made when the step looks.
    for (let step = 0; step < this.#steps; step++) agenda.at(step * STEP_MS, () => this.#look(world, step, agenda.nowMs));
    agenda.run();
    this.#choice = Array.from({ length: this.#steps }, (_, step) => this.#standings.some(row => row[step] === Standing.healthy));
  }

  standing(host: number, nowMs: number): Standing {
    return (this.#standings[host]?.[this.#stepOf(nowMs)] ?? Standing.absent) as Standing;
  }

  /** Whether some host was healthy, so that a good pick was possible. */
  hasChoice(nowMs: number): boolean {
    return this.#choice[this.#stepOf(nowMs)] ?? false;
  }

  everInRoute(host: number): boolean {
    return this.#standings[host]?.some(standing => standing !== Standing.absent) ?? false;
  }

  /** The times during which the host was of this standing, each as long as it lasted. */
  spells(host: number, standing: Standing): Spell[] {
    const row = this.#standings[host] ?? new Uint8Array();
    const spells: Spell[] = [];
    let from = -1;
    for (let step = 0; step <= row.length; step++) {
      const holds = row[step] === standing;
      if (holds && from < 0) from = step;
      if (holds || from < 0) continue;
      spells.push({ fromMs: from * STEP_MS, toMs: step * STEP_MS });
      from = -1;
    }
    return spells;
  }

  #look(world: World, step: number, nowMs: number): void {
    for (const host of world.hosts) {
      const standing = !host.inRoute ? Standing.absent : world.isBroken(host, nowMs) ? Standing.broken : Standing.healthy;
      (this.#standings[host.index] as Uint8Array)[step] = standing;
    }
  }

  #stepOf(nowMs: number): number {
    return Math.max(0, Math.min(this.#steps - 1, Math.floor(nowMs / STEP_MS)));
  }
}
