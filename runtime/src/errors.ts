/**
 * An error that keeps a service from starting and that a person can mend. The message is one line that names the cause (the port, the
 * file, the conf key). The command line prints the message alone, without a stack.
 */
export class StartupError extends Error {
  override readonly name = 'StartupError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The error of a failed listen() or bind(), with the port and the conf key named. */
export function listenError(cause: NodeJS.ErrnoException, what: string, ip: string, port: number, confKey: string): StartupError {
  const where = `${what} ${ip}:${port} (${confKey})`;
  const why = LISTEN_REASONS[cause.code ?? ''] ?? cause.message;
  return new StartupError(cause.code ?? 'LISTEN_FAILED', `${where} ${why}`, { cause });
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken: another process listens there',
  EACCES: 'may not be opened by this user',
  EMFILE: 'cannot be opened: too many open files (ulimit -n; LimitNOFILE of systemd)',
  ENFILE: 'cannot be opened: too many open files in the whole system (fs.file-max)',
  ENOMEM: 'cannot be opened: the system has no memory left',
  EADDRNOTAVAIL: 'is not an address of this machine',
};

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
