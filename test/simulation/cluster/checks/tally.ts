/** Calls by module and host: how many went well, and how many did not. */
import { formatHost, type HostCallResult, type ModuleId } from '@lars/proto';

export interface Calls {
  readonly succ: number;
  readonly err: number;
}

const NONE: Calls = { succ: 0, err: 0 };

export class Tally {
  readonly #calls = new Map<string, Calls>();

  add(key: string, { succ, err }: Calls): void {
    if (succ + err === 0) return;
    const before = this.of(key);
    this.#calls.set(key, { succ: before.succ + succ, err: before.err + err });
  }

  addResults({ modid, cmdid }: ModuleId, results: readonly HostCallResult[]): void {
    for (const result of results) this.add(`${modid}/${cmdid} ${formatHost(result)}`, result);
  }

  addAll(other: Tally): void {
    for (const [key, calls] of other.#calls) this.add(key, calls);
  }

  of(key: string): Calls {
    return this.#calls.get(key) ?? NONE;
  }

  get total(): number {
    let total = 0;
    for (const { succ, err } of this.#calls.values()) total += succ + err;
    return total;
  }

  /** The first host of which this has more calls than the other. */
  excessOver(other: Tally): string | undefined {
    for (const [key, { succ, err }] of this.#calls) {
      const most = other.of(key);
      if (succ > most.succ || err > most.err) return `${key}: ${succ}+${err}, not ${most.succ}+${most.err}`;
    }
    return undefined;
  }
}
