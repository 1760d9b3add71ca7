import { systemError } from '@lars/syscalls/errno';
import { O_CLOEXEC } from '../linux/constants.ts';
import type { Libc } from '../linux/libc.ts';
import type { ReadinessSet } from './readiness-set.ts';

const ADD = 1;
const DELETE = 2;
const MODIFY = 3;
/** Few enough that a batch of bulk transfers leaves the event loop its turn within milliseconds. */
const EVENTS_MAX = 128;
/** struct epoll_event is packed on x64 alone. */
const EVENT = process.arch === 'x64' ? { bytes: 12, fd: 4, generation: 8 } : { bytes: 16, fd: 8, generation: 12 };

/** An epoll descriptor, with the memory of its events. */
export class EpollSet implements ReadinessSet {
  /** Every call is done when it returns. */
  readonly isUnfinished = false;
  readonly receiver = undefined;
  readonly descriptor: number;
  readonly mappings = [];
  onClosing: ((fd: number) => void) | undefined;
  readonly #libc: Libc;
  readonly #events: Int32Array;
  readonly #eventsAddress: number;
  readonly #control: Int32Array;
  readonly #controlAddress: number;

  /** @throws {Error} as Node's, with `code` */
  constructor(libc: Libc) {
    const buffer = new ArrayBuffer(EVENTS_MAX * EVENT.bytes + 16);
    this.#libc = libc;
    this.#events = new Int32Array(buffer, 16);
    this.#control = new Int32Array(buffer, 0, 4);
    this.#controlAddress = libc.addressOf(buffer);
    this.#eventsAddress = this.#controlAddress + 16;
    this.descriptor = libc.epollCreate(O_CLOEXEC);
    if (this.descriptor < 0) throw systemError('epoll_create1', libc.errno());
  }

  /** @param generation comes back with each event. @throws {Error} as Node's, with `code` */
  add(fd: number, events: number, generation: number): void {
    this.addTo(this.descriptor, fd, events, generation);
  }

  /** Adds a descriptor to the set of another thread. @throws {Error} as Node's, with `code` */
  addTo(set: number, fd: number, events: number, generation: number): void {
    this.#control[0] = events;
    this.#control[EVENT.fd >> 2] = fd;
    this.#control[EVENT.generation >> 2] = generation;
    if (this.#libc.epollControl(set, ADD, fd, this.#controlAddress) < 0) {
      throw systemError('epoll_ctl', this.#libc.errno());
    }
  }

  change(fd: number, events: number, generation: number): void {
    this.#control[0] = events;
    this.#control[EVENT.fd >> 2] = fd;
    this.#control[EVENT.generation >> 2] = generation;
    this.#libc.epollControl(this.descriptor, MODIFY, fd, this.#controlAddress);
  }

  remove(fd: number): void {
    this.removeFrom(this.descriptor, fd);
  }

  removeFrom(set: number, fd: number): void {
    this.#libc.epollControl(set, DELETE, fd, this.#controlAddress);
  }

  /** @returns how many events there are, at least 0 */
  wait(timeoutMs: number): number {
    return Math.max(0, this.#libc.epollWait(this.descriptor, this.#eventsAddress, EVENTS_MAX, timeoutMs));
  }

  fdOf(event: number): number {
    return this.#events[(event * EVENT.bytes + EVENT.fd) >> 2] as number;
  }

  generationOf(event: number): number {
    return this.#events[(event * EVENT.bytes + EVENT.generation) >> 2] as number;
  }

  readinessOf(event: number): number {
    return this.#events[(event * EVENT.bytes) >> 2] as number;
  }

  closeDescriptor(fd: number): void {
    this.onClosing?.(fd);
    this.#libc.close(fd);
  }

  close(): void {
    this.#libc.close(this.descriptor);
  }
}
