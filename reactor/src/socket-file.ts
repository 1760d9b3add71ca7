import { lstatSync, renameSync, unlinkSync } from 'node:fs';

/**
 * The file of a UNIX socket that listens. Somebody may take it away while it listens on, and somebody else may listen at the path then: that one's file is not touched. As
 * long as the socket is open, no other file has its number.
 */
export class SocketFile {
  readonly path: string;
  readonly #id: string | undefined;

  /** To be made as soon as the socket listens. */
  constructor(path: string) {
    this.path = path;
    this.#id = idAt(path);
  }

  /** ours: it is where it was. taken: another file is there. gone: none is */
  get state(): 'ours' | 'taken' | 'gone' {
    const id = idAt(this.path);
    if (id === undefined) return 'gone';
    return id === this.#id ? 'ours' : 'taken';
  }

  /** Removes it, before the socket is closed. */
  remove(): void {
    if (this.state === 'ours') attempt(() => unlinkSync(this.path));
  }

  /** For a `close` that removes whatever file is at the path. */
  closing(close: () => void): void {
    if (this.state !== 'taken') {
      close();
      return;
    }
    const aside = `${this.path}.${process.pid}`;
    attempt(() => renameSync(this.path, aside));
    close();
    attempt(() => renameSync(aside, this.path));
  }
}

function idAt(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`;
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // Somebody was faster, or the folder may not be written any more.
  }
}
