import type { BusinessHost } from '../hosts.ts';
import type { Allowance } from '../promises.ts';
import type { SoakSystem } from '../system.ts';

export interface Fault {
  /** In one or more words with hyphens: what `--only` takes. */
  readonly kind: string;
  /** What happens, for the table. */
  readonly text: string;
  readonly allowance: Allowance;
  /** Throws the fault, waits, and takes it back. @throws {Error} when the system did not let it do so */
  run(world: FaultWorld): Promise<void>;
}

export interface FaultWorld {
  readonly system: SoakSystem;
  readonly hosts: readonly BusinessHost[];
  /** A host that is in no route. */
  readonly spareHost: BusinessHost;
  /** The modules that are called now have this cmdid. */
  readonly round: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** So long lasts what has a duration. */
export const FAULT_MS = 3_000;
