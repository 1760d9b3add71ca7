import { ConfigError } from '@lars/runtime/config/config-error';
import { messageOf, StartupError } from '@lars/runtime/errors';
import { CommanderError } from 'commander';
import { shieldModules } from './arguments/module-id.ts';
import { typedCommand } from './arguments/typed-command.ts';
import { CommandError, UsageError } from './errors.ts';
import { ExitCode } from './exit-code.ts';
import { buildProgram } from './program.ts';
import { Shell } from './shell.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** Runs the process: its arguments, its streams, its exit code. */
export function runProcess(): void {
  // All results have left by then; no open handle may keep a finished command alive.
  void main(process.argv.slice(2), processTerminal()).then(exitCode => process.exit(exitCode));
}

/** Runs one command line to its end. Never rejects: what goes wrong is one line on standard error and an exit code. */
export async function main(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const shell = new Shell(terminal, argv.includes('--json'), typedCommand(argv));
  const exitCode = await run(argv, shell);
  try {
    await terminal.written();
    return exitCode;
  } catch (cause) {
    terminal.err.write(`lars: the result cannot be written to standard output: ${messageOf(cause)}\n`);
    return exitCode === ExitCode.Ok ? ExitCode.Failed : exitCode;
  }
}

async function run(argv: readonly string[], shell: Shell): Promise<ExitCode> {
  try {
    await buildProgram(shell).parseAsync(shieldModules(argv), { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    return reportError(error, shell);
  }
}

function reportError(error: unknown, shell: Shell): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.Ok;
  const { code, message, exitCode } = explain(error);
  const details = error instanceof CommandError ? error.details : undefined;
  if (details !== undefined && !shell.json) shell.terminal.out.write(details.text());
  shell.terminal.err.write(`lars: ${message}\n`);
  if (shell.json) shell.terminal.out.write(`${JSON.stringify({ error: { code, message }, ...details?.document })}\n`);
  return exitCode;
}

interface Explanation {
  readonly code: string;
  /** Without a line break, unless it is a bug. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

function explain(error: unknown): Explanation {
  if (error instanceof CommanderError) return { code: 'USAGE', message: commanderMessage(error), exitCode: ExitCode.Usage };
  const message = messageOf(error).replaceAll(/\s*\n\s*/g, ' ');
  if (error instanceof UsageError) return { code: error.code, message, exitCode: ExitCode.Usage };
  if (isExpected(error)) return { code: error.code, message, exitCode: exitCodeOf(error) };
  // An error that is not expected is a bug: its stack helps to find it.
  const stack = error instanceof Error ? error.stack : undefined;
  return { code: 'INTERNAL', message: `internal error: ${stack ?? message}`, exitCode: ExitCode.Failed };
}

function commanderMessage(error: CommanderError): string {
  // The help has been printed instead of a message.
  if (error.code === 'commander.help') return 'a command is missing';
  return error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
}

function exitCodeOf(error: ExpectedError): ExitCode {
  return error instanceof CommandError ? error.exitCode : ExitCode.Failed;
}

type ExpectedError = Error & { readonly code: string };

function isExpected(error: unknown): error is ExpectedError {
  if (error instanceof CommandError || error instanceof StartupError || error instanceof ConfigError) return true;
  // By its name, because most commands never load the package that throws it.
  return error instanceof Error && error.name === 'LarsError';
}
