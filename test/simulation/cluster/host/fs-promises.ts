/** node:fs/promises for simulated processes: the disk of their machine. Each call takes a moment, in which its process may be killed. */

import { type Disk, type Inode, systemError } from './disk.ts';
import { currentProcess, kernel } from './kernel.ts';

/** Waits for the disk, and then does the work. */
function onDisk<T>(work: (disk: Disk) => T, writes?: string): Promise<T> {
  const process = currentProcess();
  const { disk } = process.machine;
  return new Promise((resolve, reject) => {
    kernel.schedule(kernel.random() * disk.trouble.slowMs, process, () => {
      try {
        if (writes !== undefined && kernel.chance(disk.trouble.failShare)) {
          disk.failures += 1;
          throw systemError(kernel.chance(0.5) ? 'ENOSPC' : 'EIO', writes);
        }
        resolve(work(disk));
      } catch (error) {
        reject(error);
      }
    });
  });
}

class FileHandle {
  readonly #inode: Inode | undefined;
  /** Where the next write goes. */
  #position = 0;

  /** @param inode undefined for a folder */
  constructor(inode: Inode | undefined) {
    this.#inode = inode;
  }

  /** Goes on where the last write ended. Written in two parts: whoever reads between them, or is left with it by a kill, sees one. */
  async writeFile(bytes: Uint8Array): Promise<void> {
    const begin = this.#position;
    const half = Math.floor(bytes.length * kernel.random());
    for (const end of [half, bytes.length]) {
      await onDisk(() => {
        const inode = this.#file();
        inode.data = Buffer.concat([inode.data.subarray(0, begin), bytes.subarray(0, end)]);
        inode.changedAtMs = kernel.nowMs;
      }, 'write');
    }
    this.#position = begin + bytes.length;
  }

  sync(): Promise<void> {
    return onDisk(disk => (this.#inode === undefined ? disk.flushNames() : disk.flush(this.#inode)), 'fsync');
  }

  close(): Promise<void> {
    return onDisk(() => undefined);
  }

  read(buffer: Buffer, offset: number, length: number, at: number): Promise<{ buffer: Buffer; bytesRead: number }> {
    return onDisk(() => {
      const bytes = this.#file().data.subarray(at, at + length);
      buffer.set(bytes, offset);
      return { buffer, bytesRead: bytes.length };
    });
  }

  readFile(): Promise<Buffer> {
    return onDisk(() => Buffer.from(this.#file().data));
  }

  stat(): Promise<Stats> {
    return onDisk(() => statsOf(this.#file()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #file(): Inode {
    if (this.#inode === undefined) throw systemError('EISDIR', 'read');
    return this.#inode;
  }
}

interface Stats {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  isDirectory(): boolean;
}

function statsOf({ id, data, changedAtMs }: Inode): Stats {
  return { dev: 1, ino: id, size: data.length, mtimeMs: changedAtMs, isDirectory: () => false };
}

const FOLDER: Stats = { dev: 1, ino: 0, size: 0, mtimeMs: 0, isDirectory: () => true };

function existing(disk: Disk, path: string, syscall: string): Inode {
  const inode = disk.find(path);
  if (inode === undefined) throw systemError('ENOENT', syscall);
  return inode;
}

export function open(path: string, flags = 'r'): Promise<FileHandle> {
  if (flags !== 'w') return onDisk(disk => new FileHandle(disk.isFolder(path) ? undefined : existing(disk, path, 'open')));
  return onDisk(disk => {
    const inode = disk.find(path) ?? disk.create(path);
    inode.data = new Uint8Array(0);
    return new FileHandle(inode);
  }, 'open');
}

export function readFile(path: string): Promise<Buffer> {
  return onDisk(disk => Buffer.from(existing(disk, path, 'open').data));
}

export function stat(path: string): Promise<Stats> {
  return onDisk(disk => (disk.isFolder(path) ? FOLDER : statsOf(existing(disk, path, 'stat'))));
}

export function rename(from: string, to: string): Promise<void> {
  return onDisk(disk => disk.rename(from, to), 'rename');
}

export function rm(path: string, options: { readonly force?: boolean } = {}): Promise<void> {
  return onDisk(disk => {
    if (disk.find(path) !== undefined) disk.remove(path);
    else if (options.force !== true) throw systemError('ENOENT', 'rm');
  }, 'unlink');
}

export function mkdir(path: string): Promise<void> {
  return onDisk(disk => disk.makeFolder(path));
}

export function readdir(path: string): Promise<string[]> {
  return onDisk(disk => disk.namesIn(path));
}

/** Only metrics ask, which nobody reads here. */
export function statfs(): Promise<never> {
  return onDisk(() => {
    throw systemError('ENOSYS', 'statfs');
  });
}
