// pure
/** So many clients in a row that had said nothing show a listener where the host speaks first, or where bytes take their time. */
const MISSES = 16;
/** So many clients are not looked at then. */
const REST = 240;

/**
 * Whether it pays to look for a client's first bytes as soon as it is accepted. Where they are here, they reach the host with the segment that finishes its handshake; where they are
 * not, the look was a system call for nothing.
 */
export class FirstLook {
  #misses = 0;
  #rest = 0;

  /** To be asked once for each client. */
  isDue(): boolean {
    if (this.#rest === 0) return true;
    this.#rest -= 1;
    return false;
  }

  note(hasFound: boolean): void {
    this.#misses = hasFound ? 0 : this.#misses + 1;
    if (this.#misses < MISSES) return;
    this.#rest = REST;
    // After the rest one miss is enough for the next.
    this.#misses = MISSES - 1;
  }
}
