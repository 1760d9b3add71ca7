// pure
import { Ready } from '../native/readiness-set.ts';

/** What the kernel was told to do with a descriptor, and has not answered yet. */
export type OperationKind = 'poll' | 'receive' | 'send' | 'connect';

/** What is known of a descriptor in the set. */
export class Watch {
  readonly fd: number;
  readonly generation: number;
  poll: UnderWay | undefined;
  receive: UnderWay | undefined;
  /** Sends, or connects. */
  other: UnderWay | undefined;
  /** A receive is over, or connecting has failed, and nobody has taken what came of it: `result` bytes, the end (0) or a negative error number. */
  hasResult = false;
  result = 0;
  /** The kernel's buffer where the bytes lie until the next wait; -1 for none. */
  buffer = -1;
  /** The bytes, where the kernel has its buffer back. */
  copy: Uint8Array | undefined;
  /** A send is over, and nobody has taken what came of it: `sent` bytes, or a negative error number. */
  hasSent = false;
  sent = 0;
  /** What it has left over. */
  unsent: Uint8Array | undefined;
  /** Nothing was received yet. */
  isFirst = true;
  /** Nothing is received any more. */
  isStopped = false;

  constructor(fd: number, generation: number) {
    this.fd = fd;
    this.generation = generation;
  }

  /** What the result of a receive says of the descriptor: a sum of Ready. */
  get receivedReadiness(): number {
    if (this.result > 0) return Ready.readable;
    return Ready.readable | (this.result === 0 ? Ready.remoteEnded : Ready.error);
  }

  takeResult(): number | undefined {
    if (!this.hasResult) return undefined;
    this.hasResult = false;
    return this.result;
  }

  takeSent(): number | undefined {
    if (!this.hasSent) return undefined;
    this.hasSent = false;
    return this.sent;
  }

  takeUnsent(): Uint8Array | undefined {
    const { unsent } = this;
    this.unsent = undefined;
    return unsent;
  }
}

/** An operation that is under way. */
export class UnderWay {
  readonly token: number;
  kind: OperationKind = 'poll';
  watch: Watch;
  /** Of a poll: a sum of Ready, and EDGE_TRIGGERED. */
  events = 0;
  /** Of a send: what it sends from, and how many bytes. */
  buffer = -1;
  length = 0;
  /** Nobody wants to hear of it any more. */
  isCancelled = false;

  constructor(token: number, watch: Watch) {
    this.token = token;
    this.watch = watch;
  }
}

/** Operations by their tokens. They are used again: each message needs two. */
export class OperationsUnderWay implements Iterable<UnderWay> {
  readonly #all: UnderWay[] = [];
  readonly #isOpen: boolean[] = [];
  readonly #free: UnderWay[] = [];

  get count(): number {
    return this.#all.length - this.#free.length;
  }

  open(kind: OperationKind, watch: Watch): UnderWay {
    let operation = this.#free.pop();
    if (operation === undefined) {
      operation = new UnderWay(this.#all.length, watch);
      this.#all.push(operation);
    }
    this.#isOpen[operation.token] = true;
    operation.kind = kind;
    operation.watch = watch;
    operation.isCancelled = false;
    return operation;
  }

  /** Its last result is here, so that the token may name another one. */
  release(operation: UnderWay): void {
    this.#isOpen[operation.token] = false;
    this.#free.push(operation);
  }

  get(token: number): UnderWay | undefined {
    return this.#isOpen[token] === true ? this.#all[token] : undefined;
  }

  *[Symbol.iterator](): Iterator<UnderWay> {
    for (const operation of this.#all) if (this.#isOpen[operation.token] === true) yield operation;
  }
}
