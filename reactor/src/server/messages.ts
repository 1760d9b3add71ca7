// pure
/** What the threads of a server say to each other. */

/** What a thread is given when it starts. */
export interface ThreadData {
  readonly thread: number;
  readonly life: number;
  readonly threads: number;
  readonly shared: SharedArrayBuffer;
  /** The URL of the module that has `createHandler`. */
  readonly handler: string;
  readonly data: unknown;
}

export type ToThread =
  /** Serve these: descriptors, and for each the number of its listener. */
  | { readonly kind: 'connections'; readonly fds: readonly number[]; readonly listeners: readonly number[] }
  /** Finish what is open within the time, then end. */
  | { readonly kind: 'stop'; readonly graceMs: number };

export type FromThread =
  | { readonly kind: 'ready'; readonly engine: string }
  | {
      readonly kind: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };
