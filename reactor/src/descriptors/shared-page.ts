import { fstatSync, ftruncateSync } from 'node:fs';
import { systemError } from '@lars/syscalls/errno';

export const PAGE_BYTES = 4_096;

/** Each returns what the C function of its name returns. */
export interface PageCalls {
  memfdCreate(name: number, flags: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  mmap(address: number, length: number, protection: number, flags: number, fd: number, offset: number): number;
  munmap(address: number, length: number): number;
  close(fd: number): number;
  errno(): number;
  addressOf(buffer: ArrayBuffer): number;
  view(address: number, length: number): ArrayBuffer;
}

/** MFD_CLOEXEC | MFD_ALLOW_SEALING */
const MEMFD_FLAGS = 3;
const F_ADD_SEALS = 1_033;
/** F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW: who touches memory of a file that was made shorter is killed. */
const SEALS = 7;
const PROTECTION_READ_WRITE = 3;
const MAP_SHARED = 1;

/** A page of memory that two processes see: one makes it and sends its descriptor, the other opens it. Read and written with Atomics. */
export class SharedPage {
  readonly #calls: PageCalls;
  readonly #address: number;
  #words: Int32Array;

  /** @param fd stays open. @throws {Error} as Node's, with `code` */
  private constructor(calls: PageCalls, fd: number) {
    this.#calls = calls;
    this.#address = calls.mmap(0, PAGE_BYTES, PROTECTION_READ_WRITE, MAP_SHARED, fd, 0);
    if (this.#address === -1) throw systemError('mmap', calls.errno());
    this.#words = new Int32Array(calls.view(this.#address, PAGE_BYTES));
  }

  /** A new page of zeros. @returns its descriptor too, which is the caller's. @throws {Error} as Node's, with `code` */
  static create(calls: PageCalls): { readonly page: SharedPage; readonly fd: number } {
    const name = new TextEncoder().encode('lars\0').buffer;
    const fd = calls.memfdCreate(calls.addressOf(name), MEMFD_FLAGS);
    if (fd < 0) throw systemError('memfd_create', calls.errno());
    try {
      ftruncateSync(fd, PAGE_BYTES);
      if (calls.fcntl(fd, F_ADD_SEALS, SEALS) < 0) throw systemError('fcntl', calls.errno());
      return { page: new SharedPage(calls, fd), fd };
    } catch (error) {
      calls.close(fd);
      throw error;
    }
  }

  /** The page of another process. @param fd is closed. @throws {Error} when it is no such page */
  static open(calls: PageCalls, fd: number): SharedPage {
    try {
      if (fstatSync(fd).size < PAGE_BYTES) throw new RangeError('the descriptor that came is that of no shared page');
      return new SharedPage(calls, fd);
    } finally {
      calls.close(fd);
    }
  }

  /** Empty when the page is closed. */
  get words(): Int32Array {
    return this.#words;
  }

  close(): void {
    if (this.#words.length === 0) return;
    this.#words = new Int32Array(0);
    this.#calls.munmap(this.#address, PAGE_BYTES);
  }
}
