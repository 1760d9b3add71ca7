// pure
const MAX_DOUBLINGS = 5;

/**
 * Does this reporter acknowledge what it has stored? Ours does, a C++ reporter never does. One that has done so once is one that does, however
 * long it is silent: it hangs, or its machine does.
 */
export class AckHabit {
  readonly #onFirstAck: () => void;
  #hasAcknowledged: boolean;
  /** Connections in a row on which an acknowledgement was due and none came. */
  #silentLinks = 0;

  /** @param hasAcknowledged whether it has done so already, in an earlier run of this agent */
  constructor(hasAcknowledged: boolean, onFirstAck: () => void) {
    this.#hasAcknowledged = hasAcknowledged;
    this.#onFirstAck = onFirstAck;
  }

  get hasAcknowledged(): boolean {
    return this.#hasAcknowledged;
  }

  /** Whether acknowledgements are expected of it: a reporter of which nothing is known has one connection to show that it gives them. */
  get isExpected(): boolean {
    return this.#hasAcknowledged || this.#silentLinks === 0;
  }

  /** How much longer than usual it is waited for: what was sent is sent again afterwards, which must not be done without end to a reporter that hangs. */
  get patience(): number {
    return 2 ** Math.min(this.#silentLinks, MAX_DOUBLINGS);
  }

  onAck(): void {
    this.#silentLinks = 0;
    if (this.#hasAcknowledged) return;
    this.#hasAcknowledged = true;
    this.#onFirstAck();
  }

  onSilence(): void {
    this.#silentLinks += 1;
  }
}
