import { Readable } from 'node:stream';
import { VERSION } from '@lars/runtime/version';
import { commandTree } from '../cli/src/help/command-tree.ts';
import { manPage } from '../cli/src/help/man-page.ts';
import { buildProgram } from '../cli/src/program.ts';
import { Shell } from '../cli/src/shell.ts';

export const manFile = 'cli/man/lars.1';

export function manText(): string {
  const silent = { write: () => undefined, isTty: false };
  const input = Readable.from([]);
  const shell = new Shell(
    { input, out: silent, err: silent, paint: (_style, text) => text, columns: undefined, written: async () => undefined },
    false,
  );
  return manPage(commandTree(buildProgram(shell)), VERSION);
}
