import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@lars/runtime/errors';
import type { ModuleWhy } from '../output/module-why.ts';
import type { Shell } from '../shell.ts';
import { askModules, askWhy } from '../system/ask-agent-http.ts';
import { askHealth } from '../system/ask-health.ts';
import { FullScreen } from './full-screen.ts';
import type { Key } from './keys.ts';
import { pageOf, type TopData, topScreen } from './top-screen.ts';
import { afterKey, FIRST_STATE, nameOf, sorted, type TopState } from './top-state.ts';

/**
 * What there is to see, once.
 * @throws {CommandError} when the agent does not answer
 */
export async function readTop(address: string): Promise<TopData> {
  const at = address.lastIndexOf(':');
  const [modules, answer] = await Promise.all([
    askModules(address),
    askHealth(address.slice(0, at), Number(address.slice(at + 1))),
  ]);
  const health = answer.kind === 'health' ? answer.health : undefined;
  return { address, health, modules, why: undefined, problem: undefined };
}

/** Shows it on the whole terminal until somebody quits. @param first what was read last */
export function runTop(shell: Shell, first: TopData, intervalMs: number): Promise<void> {
  return new Top(shell, first, intervalMs).run();
}

class Top {
  readonly #shell: Shell;
  readonly #intervalMs: number;
  readonly #screen: FullScreen;
  readonly #ending = new AbortController();
  #data: TopData;
  #state: TopState = FIRST_STATE;
  #isReading = false;

  constructor(shell: Shell, first: TopData, intervalMs: number) {
    this.#shell = shell;
    this.#data = first;
    this.#intervalMs = intervalMs;
    this.#screen = new FullScreen({
      onKey: key => this.#onKey(key),
      onResize: () => this.#draw(),
      onEnd: () => this.#ending.abort(),
    });
  }

  async run(): Promise<void> {
    const { signal } = this.#ending;
    this.#screen.open();
    try {
      this.#draw();
      while (!signal.aborted) {
        await sleep(this.#intervalMs, undefined, { signal }).catch(() => undefined);
        if (!signal.aborted) await this.#read();
      }
    } finally {
      this.#screen.close();
    }
  }

  #onKey(key: Key): void {
    const modules = sorted(this.#data.modules.modules, this.#state);
    const before = this.#state.open;
    const next = afterKey(this.#state, key, modules, pageOf(this.#screen.size));
    if (next === undefined) {
      this.#ending.abort();
      return;
    }
    this.#state = next;
    if (next.open !== undefined && next.open !== before) {
      this.#data = { ...this.#data, why: undefined };
      void this.#read();
    }
    this.#draw();
  }

  /** Where the agent does not answer, what it said last stays, with the reason. */
  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      for (let isNew = true; isNew && !this.#ending.signal.aborted; ) {
        const { open } = this.#state;
        const [data, why] = await Promise.all([readTop(this.#data.address), open && askWhy(this.#data.address, open)]);
        this.#data = { ...data, why: this.#whyOf(why) };
        // Another module may have been opened meanwhile.
        isNew = this.#state.open !== open && this.#state.open !== undefined;
      }
    } catch (error) {
      this.#data = { ...this.#data, problem: messageOf(error) };
    } finally {
      this.#isReading = false;
    }
    if (!this.#ending.signal.aborted) this.#draw();
  }

  #whyOf(why: ModuleWhy | undefined): ModuleWhy | undefined {
    const { open } = this.#state;
    return why !== undefined && open !== undefined && nameOf(why) === nameOf(open) ? why : undefined;
  }

  #draw(): void {
    const invert = (text: string) => `\u001b[7m${text}\u001b[27m`;
    this.#screen.draw(topScreen(this.#data, this.#state, this.#screen.size, this.#shell.paint, invert));
  }
}
