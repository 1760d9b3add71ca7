import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;

/** The controller that the owner of a request keeps, while its attempts have one each: it passes on to that of the current attempt. */
export class RequestController implements Controller {
  readonly #onAbort: (reason: Error) => void;
  #attempt: Controller | undefined;
  #isPaused = false;
  #reason: Error | null = null;

  /** @param onAbort is called once */
  constructor(onAbort: (reason: Error) => void) {
    this.#onAbort = onAbort;
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get rawHeaders(): NonNullable<Controller['rawHeaders']> | null {
    return this.#attempt?.rawHeaders ?? null;
  }

  get rawTrailers(): NonNullable<Controller['rawTrailers']> | null {
    return this.#attempt?.rawTrailers ?? null;
  }

  /** The attempt has begun; undefined: there is none for now. */
  follow(attempt: Controller | undefined): void {
    this.#attempt = attempt;
    if (this.#reason !== null) attempt?.abort(this.#reason);
    else if (this.#isPaused) attempt?.pause();
  }

  abort(reason: Error): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#onAbort(reason);
    this.#attempt?.abort(reason);
  }

  pause(): void {
    this.#isPaused = true;
    this.#attempt?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#attempt?.resume();
  }
}
