/** What the process of a service that hands over, or has taken over, is told of it: it has to do with whoever watches it. */
export class HandOver {
  /** Is told which process takes the service's place, before that is alone. @returns how often systemd wants a sign of life, ms; 0 = never */
  successorObserver: ((pid: number) => number) | undefined;
  /** How often systemd wants a sign of life, by the word of the process before this one, ms. */
  watchdogMs: number | undefined;
  readonly #done = Promise.withResolvers<void>();
  /** Resolves when another process has taken the service's place, and nothing is left to do here. */
  readonly done = this.#done.promise;

  /** @returns what the successor is to know of systemd's watchdog */
  announce(pid: number): number {
    return this.successorObserver?.(pid) ?? 0;
  }

  finish(): void {
    this.#done.resolve();
  }
}
