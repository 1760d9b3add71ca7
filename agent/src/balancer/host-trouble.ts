// pure
import { Ejection } from './ejection.ts';
import { LoadWindow } from './load-window.ts';

/** What the adaptive rules remember only of a host that was ejected or limited once, or came later than the others: most never are. */
export class HostTrouble {
  overloaded = false;
  /** Undefined where the host has no limit. */
  window: LoadWindow | undefined = undefined;
  #ejection: Ejection | undefined = undefined;

  get ejection(): Ejection {
    this.#ejection ??= new Ejection();
    return this.#ejection;
  }

  get onProbation(): boolean {
    return this.#ejection?.onProbation === true;
  }

  /** To be set a size at once. */
  limitedWindow(): LoadWindow {
    this.window ??= new LoadWindow();
    return this.window;
  }

  endProbation(): void {
    if (this.#ejection !== undefined) this.#ejection.onProbation = false;
  }
}

/** The others share it: do not write to it. */
export const NO_TROUBLE: Readonly<HostTrouble> = new HostTrouble();
