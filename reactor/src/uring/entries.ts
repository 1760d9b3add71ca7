/** The entries that a set gives to the kernel: which operation, and what stands in which field of struct io_uring_sqe. */
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_WAITALL } from '../linux/constants.ts';
import { EDGE_TRIGGERED, Ready } from '../native/readiness-set.ts';
import { NO_TOKEN, Operation, type Ring } from './ring.ts';

/** Places of fields, in words of 4 bytes. */
const FIELD = { addressLength: 2, target: 4, length: 6, flags: 7 } as const;
/** IORING_POLL_ADD_MULTI: a poll that tells every change, until it is cancelled. */
const POLL_MANY = 1;
/** IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY */
const CANCEL_EVERYTHING = 5;
/** Beside of an operation: take a buffer of the group. */
const SELECT_BUFFER = 32 << 8;
/** Beside of an operation: no result where it does not fail. */
const SKIP_SUCCESS = 64 << 8;
/** Beside of a receive: wait for bytes before it is tried; and go on when some have come, each with a result and a buffer of its own. */
const POLL_FIRST = 1 << 16;
const MANY = 2 << 16;

/** @param events a sum of Ready, and EDGE_TRIGGERED */
export function addPoll(ring: Ring, fd: number, token: number, events: number): void {
  const entry = ring.add(Operation.pollAdd, fd, token);
  // A poll of many results tells of urgent bytes whenever any bytes come.
  ring.setField(entry, FIELD.flags, events & ~(EDGE_TRIGGERED | Ready.urgent));
  if ((events & EDGE_TRIGGERED) !== 0) ring.setField(entry, FIELD.length, POLL_MANY);
}

/** @param isFirst the first time bytes are probably here; later not, because the last receive had room for more */
export function addReceive(ring: Ring, fd: number, token: number, isFirst: boolean): void {
  ring.add(Operation.receive | (isFirst ? SELECT_BUFFER : SELECT_BUFFER | POLL_FIRST), fd, token);
}

/**
 * Receives until it is cancelled, the end comes or something fails: it spares an entry for each message, and the kernel a poll. The first try comes before the kernel polls: where one poll
 * tells of bytes and of a reset (or of the end of a UNIX socket), a receive of many takes the bytes, and never hears of the other (seen on Linux 6.18).
 */
export function addReceiveMany(ring: Ring, fd: number, token: number): void {
  ring.add(Operation.receive | SELECT_BUFFER | MANY, fd, token);
}

/**
 * What does not go at once is told as not sent. Where all goes there is no result, so that nobody is woken for it: it has gone when the kernel has got the entry. A send that is to take all
 * (MSG_WAITALL) and takes less has failed, and has a result.
 * @param address absolute
 */
export function addSend(ring: Ring, fd: number, token: number, address: number, length: number): void {
  const entry = ring.add(Operation.send | SKIP_SUCCESS, fd, token);
  ring.setAddress(entry, address);
  ring.setField(entry, FIELD.length, length);
  ring.setField(entry, FIELD.flags, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
}

/** @param address absolute: of a struct sockaddr, until the next `enter` */
export function addConnect(ring: Ring, fd: number, token: number, address: number, length: number): void {
  const entry = ring.add(Operation.connect, fd, token);
  ring.setAddress(entry, address);
  ring.setField(entry, FIELD.addressLength, length);
}

/** @param token of what is to end */
export function addCancel(ring: Ring, token: number): void {
  ring.setField(ring.add(Operation.cancel, -1, NO_TOKEN), FIELD.target, token);
}

export function addCancelOfAll(ring: Ring): void {
  ring.setField(ring.add(Operation.cancel, -1, NO_TOKEN), FIELD.flags, CANCEL_EVERYTHING);
}
