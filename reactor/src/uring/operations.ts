// pure
/** What the kernel is told to do with a descriptor. */
export const Kind = { poll: 1, receive: 2, send: 3, connect: 4 } as const;

/** Whether a receive has one result, or receives until it is cancelled, the end comes or something fails. */
export const ONE = 0;
export const MANY = 1;

const FIRST_ROOM = 256;
/** Beside a kind: nobody wants to hear of it any more. */
const CANCELLED = 8;
const CLOSED = 0;

/**
 * Operations that the kernel has not answered yet, by their tokens, which are used again. They are kept in arrays of numbers: each message needs two, and of objects that lie anywhere
 * each would be a walk to memory where many connections take turns.
 */
export class Operations {
  /** A kind, and CANCELLED. */
  #states = new Uint8Array(FIRST_ROOM);
  #fds = new Int32Array(FIRST_ROOM);
  #details = new Int32Array(FIRST_ROOM);
  #lengths = new Int32Array(FIRST_ROOM);
  #free = new Int32Array(FIRST_ROOM);
  #freeCount = 0;
  #used = 0;

  /** How many are under way. */
  get count(): number {
    return this.#used - this.#freeCount;
  }

  /**
   * @param kind one of Kind
   * @param detail of a poll: a sum of Ready, and EDGE_TRIGGERED; of a send: the number of the buffer that it sends from; of a receive: ONE, or MANY
   * @param length of a send: how many bytes
   * @returns its token
   */
  open(kind: number, fd: number, detail = 0, length = 0): number {
    const token = this.#nextToken();
    this.#states[token] = kind;
    this.#fds[token] = fd;
    this.#details[token] = detail;
    this.#lengths[token] = length;
    return token;
  }

  /** Its last result is here, so that the token may name another one. */
  release(token: number): void {
    this.#states[token] = CLOSED;
    this.#free[this.#freeCount] = token;
    this.#freeCount += 1;
  }

  cancel(token: number): void {
    this.#states[token] = this.kindOf(token) | CANCELLED;
  }

  cancelAll(): void {
    for (let token = 0; token < this.#used; token++) if (this.#states[token] !== CLOSED) this.cancel(token);
  }

  /** One of Kind, or 0 where no operation that is under way has the token. */
  kindOf(token: number): number {
    return (this.#states[token] ?? CLOSED) & ~CANCELLED;
  }

  isCancelled(token: number): boolean {
    return ((this.#states[token] ?? CLOSED) & CANCELLED) !== 0;
  }

  fdOf(token: number): number {
    return this.#fds[token] as number;
  }

  detailOf(token: number): number {
    return this.#details[token] as number;
  }

  setDetail(token: number, detail: number): void {
    this.#details[token] = detail;
  }

  lengthOf(token: number): number {
    return this.#lengths[token] as number;
  }

  #nextToken(): number {
    if (this.#freeCount > 0) {
      this.#freeCount -= 1;
      return this.#free[this.#freeCount] as number;
    }
    if (this.#used === this.#states.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    const room = this.#states.length * 2;
    const states = new Uint8Array(room);
    states.set(this.#states);
    this.#states = states;
    const grown = (numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
      const all = new Int32Array(room);
      all.set(numbers);
      return all;
    };
    this.#fds = grown(this.#fds);
    this.#details = grown(this.#details);
    this.#lengths = grown(this.#lengths);
    this.#free = grown(this.#free);
  }
}
