import { Readable } from 'node:stream';
import { main } from '../../cli/src/main.ts';
import type { Terminal } from '../../cli/src/terminal.ts';

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process and keeps what it prints. */
export function runMain(...argv: readonly string[]): Promise<Outcome> {
  return runMainWith('', argv);
}

/** @param input what stands on standard input */
export async function runMainWith(input: string, argv: readonly string[]): Promise<Outcome> {
  const { terminal, written } = memoryTerminal(input);
  const exitCode = await main(argv, terminal);
  return { exitCode, ...written };
}

/** No terminal, and no color. */
export function memoryTerminal(input = ''): { readonly terminal: Terminal; readonly written: { out: string; err: string } } {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    isTty: false,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const terminal: Terminal = {
    input: Readable.from([Buffer.from(input)]),
    out: stream('out'),
    err: stream('err'),
    paint: (_style, text) => text,
    columns: undefined,
    written: async () => undefined,
  };
  return { terminal, written };
}
