import type { EngineCounters } from '../engine-counters.ts';
import type { DescriptorWatcher } from '../passing.ts';
import { F_SETPIPE_SZ, SOCK_NONBLOCK_CLOEXEC } from './constants.ts';
import type { Libc } from './libc.ts';
import type { NativeMemory } from './memory.ts';

/** What a pipe can contain, where the system allows it (fs.pipe-user-pages-soft); otherwise it stays at its 64 KiB. */
export const PIPE_BYTES = 2 ** 20;
/** Empty pipes that are kept. */
const KEPT_PIPES = 64;

export interface Pipe {
  readonly readFd: number;
  readonly writeFd: number;
  /** How many bytes are in it. */
  bytes: number;
}

/** Pipes through which bytes move from socket to socket inside of the kernel. */
export class PipePool {
  readonly #libc: Libc;
  readonly #memory: NativeMemory;
  readonly #counters: EngineCounters;
  readonly #free: Pipe[] = [];
  watcher: DescriptorWatcher | undefined;

  constructor(libc: Libc, memory: NativeMemory, counters: EngineCounters) {
    this.#libc = libc;
    this.#memory = memory;
    this.#counters = counters;
  }

  /** @returns an empty pipe, or undefined where no descriptors are left */
  take(): Pipe | undefined {
    const kept = this.#free.pop();
    if (kept !== undefined) return kept;
    const { scratch, scratchAddress } = this.#memory;
    if (this.#libc.pipe2(scratchAddress, SOCK_NONBLOCK_CLOEXEC) < 0) return undefined;
    const pipe = { readFd: scratch.getInt32(0, true), writeFd: scratch.getInt32(4, true), bytes: 0 };
    this.watcher?.onOwned(pipe.readFd);
    this.watcher?.onOwned(pipe.writeFd);
    this.#libc.fcntl(pipe.writeFd, F_SETPIPE_SZ, PIPE_BYTES);
    this.#counters.pipes += 1;
    return pipe;
  }

  /** A pipe with bytes in it would give them to whoever takes it next, so it is closed. */
  giveBack(pipe: Pipe): void {
    if (pipe.bytes === 0 && this.#free.length < KEPT_PIPES) this.#free.push(pipe);
    else this.#close(pipe);
  }

  close(): void {
    for (const pipe of this.#free.splice(0)) this.#close(pipe);
  }

  #close(pipe: Pipe): void {
    this.watcher?.onGone(pipe.readFd);
    this.watcher?.onGone(pipe.writeFd);
    this.#libc.close(pipe.readFd);
    this.#libc.close(pipe.writeFd);
    this.#counters.pipes -= 1;
  }
}
