// pure
import type { LarsHost } from './lars-host.ts';

/** All hosts of a module, whatever their state. */
export interface Route {
  readonly modid: number;
  readonly cmdid: number;
  /** Empty when the agent knows no such module (yet). */
  readonly hosts: readonly LarsHost[];
  /**
   * Callers must ask the agent for each call of the module, and not pick from `hosts` themselves: the agent has something to decide. This is
   * no alarm: it is so, too, while a new host is being tried, and always where an agent has hosts of the module in its own zone and in
   * others. Agents of the first generation never say so.
   */
  readonly overload: boolean;
  /** The route's version, growing with every change; 0 from agents that do not number routes. */
  readonly version: number;
}
