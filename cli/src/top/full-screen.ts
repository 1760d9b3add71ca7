import { writeSync } from 'node:fs';
import { type Key, readKeys } from './keys.ts';
import type { Size } from './top-screen.ts';

/** The alternate screen leaves what was on the terminal as it was. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
const STANDARD_OUTPUT = 1;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export interface FullScreenEvents {
  onKey(key: Key): void;
  /** The terminal has another size, or shows something else: draw again. */
  onResize(): void;
  /** A signal wants the process to end, or nobody can type any more. */
  onEnd(): void;
}

/** The whole terminal, from `open` until `close`. However the process ends, the terminal is as it was before. */
export class FullScreen {
  readonly #events: FullScreenEvents;
  #isOpen = false;

  constructor(events: FullScreenEvents) {
    this.#events = events;
  }

  get size(): Size {
    const { columns, rows } = process.stdout;
    // A pseudo terminal whose size nobody has set has none.
    return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
  }

  open(): void {
    this.#isOpen = true;
    process.on('exit', this.#leave);
    // Before the error is printed, or it would be gone with the alternate screen.
    process.on('uncaughtExceptionMonitor', this.#leave);
    for (const signal of ENDING_SIGNALS) process.on(signal, this.#onEnd);
    process.on('SIGCONT', this.#onContinue);
    process.stdout.on('resize', this.#onResize);
    process.stdin.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onEnd);
    this.#enter();
  }

  draw(lines: readonly string[]): void {
    // A terminal that takes nothing, as after Ctrl-S, gets the next picture.
    if (!this.#isOpen || process.stdout.writableNeedDrain) return;
    process.stdout.write(`${HOME}${lines.map(line => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`);
  }

  close(): void {
    this.#leave();
    process.off('exit', this.#leave).off('uncaughtExceptionMonitor', this.#leave).off('SIGCONT', this.#onContinue);
    for (const signal of ENDING_SIGNALS) process.off(signal, this.#onEnd);
    process.stdout.off('resize', this.#onResize);
    process.stdin.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onEnd);
    process.stdin.pause();
  }

  #enter(): void {
    process.stdin.setRawMode(true);
    process.stdin.setEncoding('utf8').resume();
    process.stdout.write(ENTER);
  }

  readonly #leave = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      process.stdin.setRawMode(false);
      // At once: the process may be about to end.
      writeSync(STANDARD_OUTPUT, LEAVE);
    } catch {
      // The terminal is gone.
    }
  };

  readonly #onData = (input: string): void => {
    for (const key of readKeys(input)) this.#events.onKey(key);
  };
  readonly #onResize = (): void => this.#events.onResize();
  readonly #onEnd = (): void => this.#events.onEnd();
  /** Whoever stopped the process has left the terminal in another state. */
  readonly #onContinue = (): void => {
    this.#enter();
    this.#events.onResize();
  };
}
