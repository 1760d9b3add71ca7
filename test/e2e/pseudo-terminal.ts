/** The built `lars` in a pseudo terminal, which `script` of util-linux makes. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.ts';

const LARS = fileURLToPath(new URL('../../cli/bin/lars.js', import.meta.url));
const HOME = '\u001b[H';
const END_OF_FRAME = '\u001b[J';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of terminals begin with one
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export class PseudoTerminal {
  /** Of lars; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #folder: string;
  #output = '';

  constructor(folder: string, args: readonly string[], { columns, rows }: TerminalSize) {
    this.#folder = folder;
    // The shell of the terminal notes its modes before and after, its name, and the process that is to get signals.
    const lars = [process.execPath, LARS, ...args].map(word => `'${word}'`).join(' ');
    const steps = [
      `stty rows ${rows} cols ${columns}; stty -g > modes-before; tty > tty`,
      `sh -c 'echo $$ > pid; exec "$@"' sh ${lars}; code=$?`,
      'stty -g > modes-after; exit $code',
    ];
    const env = { ...process.env, SHELL: '/bin/sh', NO_COLOR: '1', NODE_OPTIONS: '', TERM: 'xterm' };
    this.#child = spawn('script', ['-qfec', steps.join('; '), '/dev/null'], { cwd: folder, env });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stdin.on('error', () => undefined);
    this.ended = new Promise(resolve => this.#child.once('close', resolve));
  }

  /** Everything that the terminal was sent. */
  get output(): string {
    return this.#output;
  }

  /** The lines of the last whole picture, without paint; none before the first. */
  screen(): string[] {
    const whole = this.#output.slice(0, this.#output.lastIndexOf(END_OF_FRAME));
    const start = whole.lastIndexOf(HOME);
    if (start === -1) return [];
    return whole.slice(start).replaceAll(ESCAPES, '').split(/\r*\n/);
  }

  /** Waits until the condition holds; fails with what is on the screen then. */
  async until(what: string, condition: () => boolean): Promise<void> {
    try {
      await eventually(what, condition);
    } catch (error) {
      throw new Error(`${error}; on the screen:\n${this.screen().join('\n')}\n${JSON.stringify(this.#output.slice(-500))}`);
    }
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(Number(this.#note('pid')), signal);
  }

  resize({ columns, rows }: TerminalSize): void {
    spawnSync('stty', ['-F', this.#note('tty'), 'rows', String(rows), 'cols', String(columns)]);
  }

  /** How the terminal treats what is typed, as stty tells it. */
  get modesBefore(): string {
    return this.#note('modes-before');
  }

  get modesAfter(): string {
    return this.#note('modes-after');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #note(name: string): string {
    return readFileSync(path.join(this.#folder, name), 'utf8').trim();
  }
}
