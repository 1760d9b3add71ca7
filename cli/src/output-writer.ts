import { fstatSync, fsyncSync, writeSync } from 'node:fs';
import type { WriteStream } from 'node:tty';

/** A standard stream of this process, or a part of it. */
type Stream = Pick<WriteStream, 'write' | 'on'> & { readonly fd: number; readonly isTTY?: boolean };

/** Writes to a standard stream, and knows whether all of it has arrived. */
export class OutputWriter {
  readonly #stream: Stream;
  readonly #isFile: boolean;
  #failure: Error | undefined;
  #unwritten = 0;
  #onWritten: (() => void) | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#isFile = stream.isTTY !== true && isFile(stream.fd);
    // Each write has its error told to it; the event alone would end the process.
    stream.on('error', () => undefined);
  }

  write(text: string): void {
    if (this.#isFile) this.#writeToFile(text);
    else {
      this.#unwritten += 1;
      this.#stream.write(text, error => this.#onStreamWritten(error ?? undefined));
    }
  }

  /**
   * Resolves when everything is written, also when the reader has gone, as `head` does.
   * @throws {Error} the system's own (ENOSPC, EIO, …): the first one
   */
  async written(): Promise<void> {
    if (this.#unwritten > 0) await new Promise<void>(resolve => (this.#onWritten = resolve));
    if (this.#isFile) this.#attempt(() => flush(this.#stream.fd));
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Node's own stream takes a write that a full disk has cut for a whole one. */
  #writeToFile(text: string): void {
    if (this.#failure !== undefined) return;
    this.#attempt(() => {
      let rest: Uint8Array = Buffer.from(text);
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#stream.fd, rest));
    });
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failure ??= error as Error;
    }
  }

  #onStreamWritten(error: NodeJS.ErrnoException | undefined): void {
    if (error !== undefined && error.code !== 'EPIPE') this.#failure ??= error;
    this.#unwritten -= 1;
    if (this.#unwritten === 0) this.#onWritten?.();
  }
}

/** Also a device; not a pipe or a socket, whose reader may be slow. */
function isFile(fd: number): boolean {
  try {
    const kind = fstatSync(fd);
    return kind.isFile() || kind.isCharacterDevice();
  } catch {
    return false;
  }
}

/** Some file systems say only now that there is no room; devices cannot be flushed. */
function flush(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
