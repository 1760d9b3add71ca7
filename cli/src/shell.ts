import { ExitCode } from './exit-code.ts';
import type { Paint } from './output/table.ts';
import type { Terminal } from './terminal.ts';

/** What every command works with: where it writes, in which form, and the exit code that it leaves. */
export class Shell {
  readonly terminal: Terminal;
  /** One JSON document for a machine instead of text for people. */
  readonly json: boolean;
  /** As it was typed, but for the reason of a change. */
  readonly commandLine: string;
  exitCode: ExitCode = ExitCode.Ok;

  constructor(terminal: Terminal, json: boolean, commandLine = 'lars') {
    this.terminal = terminal;
    this.json = json;
    this.commandLine = commandLine;
  }

  /** For the texts that `print` takes. */
  readonly paint: Paint = (style, text) => this.terminal.paint(style, text);

  /** Prints the command's result in the form that was asked for. */
  print(document: unknown, text: () => string): void {
    this.terminal.out.write(this.json ? `${JSON.stringify(document)}\n` : text());
  }
}
