/**
 * A disk with a page cache: what is written is seen at once by all processes of the machine, and is there after a power cut only as far as
 * it was flushed. The names in a folder are flushed with the folder.
 */
import { kernel } from './kernel.ts';

export class Inode {
  readonly id: number;
  data: Uint8Array = new Uint8Array(0);
  /** As of the last flush; undefined before the first: after a power cut it may be anything. */
  flushed: Uint8Array | undefined;
  changedAtMs = 0;

  constructor(id: number) {
    this.id = id;
  }
}

type NameChange = (names: Map<string, Inode>) => void;

/** How a disk fails: the share of the operations that do. */
export interface DiskTrouble {
  /** Writing and flushing fail, as on a full disk. */
  readonly failShare: number;
  /** Each operation takes up to so long. */
  readonly slowMs: number;
}

const WELL: DiskTrouble = { failShare: 0, slowMs: 2 };

export class Disk {
  trouble: DiskTrouble = WELL;
  /** How often an operation has failed. */
  failures = 0;
  #names = new Map<string, Inode>();
  #flushedNames = new Map<string, Inode>();
  /** Changes of names since the last flush of a folder, in their order. */
  #unflushed: NameChange[] = [];
  #lastId = 0;
  readonly #folders = new Set(['/']);

  heal(): void {
    this.trouble = WELL;
  }

  find(path: string): Inode | undefined {
    return this.#names.get(path);
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  /** A folder is durable at once; only its names are not. */
  makeFolder(path: string): void {
    this.#folders.add(path);
  }

  /** The files in a folder. */
  namesIn(folder: string): string[] {
    const prefix = `${folder}/`;
    return [...this.#names.keys()].filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length));
  }

  create(path: string): Inode {
    this.#lastId += 1;
    const inode = new Inode(this.#lastId);
    this.#change(names => names.set(path, inode));
    return inode;
  }

  rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw systemError('ENOENT', 'rename');
    this.#change(names => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  remove(path: string): void {
    this.#change(names => names.delete(path));
  }

  flush(inode: Inode): void {
    inode.flushed = inode.data;
  }

  flushNames(): void {
    this.#flushedNames = new Map(this.#names);
    this.#unflushed = [];
  }

  /** The power is cut: of what was not flushed a part is there, as it was written, torn, or not. */
  cutPower(): void {
    const survive = Math.floor(kernel.random() * (this.#unflushed.length + 1));
    for (const change of this.#unflushed.slice(0, survive)) change(this.#flushedNames);
    this.#names = new Map(this.#flushedNames);
    this.#unflushed = [];
    for (const inode of this.#names.values()) {
      if (inode.flushed === inode.data) continue;
      inode.data = tear(inode.flushed ?? new Uint8Array(0), inode.data);
      inode.flushed = inode.data;
    }
  }

  #change(change: NameChange): void {
    change(this.#names);
    this.#unflushed.push(change);
  }
}

/** Some bytes of the new content over the old one. */
function tear(old: Uint8Array, young: Uint8Array): Uint8Array {
  const written = Math.floor(kernel.random() * (young.length + 1));
  const length = kernel.chance(0.5) ? written : young.length;
  const torn = new Uint8Array(length);
  torn.set(old.subarray(0, length));
  torn.set(young.subarray(0, Math.min(written, length)));
  return torn;
}

export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated, ${syscall}`), { code, syscall });
}
