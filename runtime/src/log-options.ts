// pure
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export const LOG_FORMATS = ['auto', 'json', 'text'] as const;

export interface LogOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** auto: text on a terminal, JSON lines elsewhere. */
  readonly format: (typeof LOG_FORMATS)[number];
}
