// pure
/**
 * The descriptors that one worker was handed and has not reported as closed. Node does not close those of a thread that dies, so main does.
 * A worker reports before it closes; then the number may be handed over anew, even to the same worker, before main has read the report. So each is counted.
 */
export class HandedDescriptors {
  readonly #counts = new Map<number, number>();

  add(fd: number): void {
    this.#counts.set(fd, (this.#counts.get(fd) ?? 0) + 1);
  }

  remove(fd: number): void {
    const rest = (this.#counts.get(fd) ?? 0) - 1;
    if (rest > 0) this.#counts.set(fd, rest);
    else this.#counts.delete(fd);
  }

  /** The worker has died, and everything that it reported was read: these are open, and nobody's. */
  takeAll(): readonly number[] {
    const all = [...this.#counts.keys()];
    this.#counts.clear();
    return all;
  }
}
