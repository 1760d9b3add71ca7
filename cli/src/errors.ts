// pure
import { ExitCode } from './exit-code.ts';

/** The arguments cannot mean anything; the message names the one that is wrong. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

/** What stands on standard output beside an error. */
export interface ErrorDetails {
  /** Beside the key `error`, with --json. */
  readonly document: object;
  text(): string;
}

interface CommandErrorOptions extends ErrorOptions {
  readonly exitCode?: ExitCode;
  readonly details?: ErrorDetails;
}

/** The command failed for a reason that the message names. Exit code 1 unless another is given. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly details: ErrorDetails | undefined;

  constructor(code: string, message: string, options: CommandErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.exitCode = options.exitCode ?? ExitCode.Failed;
    this.details = options.details;
  }
}
