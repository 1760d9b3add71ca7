import { type HostLook, isOut } from './host-look.ts';

export type Asking = () => Promise<readonly HostLook[]>;

/** Looks at the agent's /why page again and again, and keeps two views of one host whose server goes down and comes back. */
export class WhyWatch {
  readonly #ask: Asking;
  readonly #victim: string;
  #asking = false;
  #latest: readonly HostLook[] = [];
  #whileDown: HostLook | undefined;
  #whenBack: HostLook | undefined;

  /** @param victim the authority of that host */
  constructor(ask: Asking, victim: string) {
    this.#ask = ask;
    this.#victim = victim;
  }

  get latest(): readonly HostLook[] {
    return this.#latest;
  }

  /** The last look at the host while its server was down. */
  get whileDown(): HostLook | undefined {
    return this.#whileDown;
  }

  /** The first look, after that, at which it got calls again. */
  get whenBack(): HostLook | undefined {
    return this.#whenBack;
  }

  /** Asks, unless an answer is still due. Call often; without an answer nothing changes. */
  async look(isDown: boolean): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      this.#latest = await this.#ask();
      const victim = this.#latest.find(({ host }) => host === this.#victim);
      if (victim !== undefined) this.#keep(victim, isDown);
    } catch {
      // A spectator must not end the story; when the agent has failed, the story hears of it in another way.
    } finally {
      this.#asking = false;
    }
  }

  #keep(victim: HostLook, isDown: boolean): void {
    if (isDown) this.#whileDown = victim;
    else if (this.#whileDown !== undefined && !isOut(victim)) this.#whenBack ??= victim;
  }
}
