import { main } from '../../../cli/src/main.ts';
import type { Terminal } from '../../../cli/src/terminal.ts';

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process and keeps what it prints. */
export async function runMain(...argv: readonly string[]): Promise<Outcome> {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    isTty: false,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const terminal: Terminal = {
    out: stream('out'),
    err: stream('err'),
    paint: (_style, text) => text,
    columns: undefined,
    written: async () => undefined,
  };
  const exitCode = await main(argv, terminal);
  return { exitCode, ...written };
}
