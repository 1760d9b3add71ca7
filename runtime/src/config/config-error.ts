// pure
/** A conf file that cannot be used. The message is one line that names the file, the line, and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'BAD_CONFIG';
  readonly path: string;
  /** Counted from 1; undefined where the file as a whole is the trouble. */
  readonly line: number | undefined;

  constructor(path: string, line: number | undefined, problem: string, options?: ErrorOptions) {
    super(visible(line === undefined ? `${path}: ${problem}` : `${path}:${line}: ${problem}`), options);
    this.path = path;
    this.line = line;
  }
}

const EXCERPT_LENGTH = 80;

/** What a file says, short enough for an error. */
export function excerpt(text: string): string {
  return text.length <= EXCERPT_LENGTH ? text : `${text.slice(0, EXCERPT_LENGTH)}…`;
}

/** Line breaks would break the one-line promise, control characters a terminal, and invisible ones hide the very mistake. */
function visible(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, char => `\\u{${char.codePointAt(0)?.toString(16)}}`);
}
