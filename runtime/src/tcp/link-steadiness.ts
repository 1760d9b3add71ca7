/** Only a link that has been up for so long counts as one that is there. */
const STEADY_MS = 1_000;
/** So many links in a row that were lost before that are said; those behind them are not. */
const SAID_LOSSES = 2;

/**
 * Tells a link that stands from one that comes and goes: a server that accepts and closes, or speaks nonsense at once, must neither be
 * dialled without a pause nor fill the log.
 */
export class LinkSteadiness {
  readonly #onSteady: (wasFlapping: boolean) => void;
  #earlyLosses = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param onSteady the link has been up for a while; `wasFlapping`: and the ones before it had not */
  constructor(onSteady: (wasFlapping: boolean) => void) {
    this.#onSteady = onSteady;
  }

  /** Until a link is steady there is nothing new to say of it. */
  get isFlapping(): boolean {
    return this.#earlyLosses >= SAID_LOSSES;
  }

  /** A link is up, or another one is used in its place. */
  onUp(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const wasFlapping = this.isFlapping;
      this.#timer = undefined;
      this.#earlyLosses = 0;
      this.#onSteady(wasFlapping);
    }, STEADY_MS).unref();
  }

  onLost(): void {
    if (this.#timer !== undefined) this.#earlyLosses += 1;
    this.stop();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
