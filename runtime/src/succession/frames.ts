// pure
/**
 * What a process and the one that takes its place say to each other on a UNIX socket, in frames of four numbers. Descriptors come with the frame that counts them.
 *
 * | from | frame | numbers | meaning |
 * | --- | --- | --- | --- |
 * | new | succeed | 5, version, service | Wants what the other one listens to. Only a process of the same user, or of root, may; and of the same service. |
 * | old | offer | 23, count | So many listening descriptors; 0 after the last. The first of all is that of this socket, from which the old one accepts nothing meanwhile. |
 * | new | claim | 6, number | It has this listener, counted from 0 behind the first. |
 * | new | ready | 7 | It can accept. Before this, the end of the connection means that nothing happens. |
 * | old | released | 24, watchdog | It accepts no more. What was not claimed is closed, when its queue was accepted. `watchdog`: systemd wants a sign of life so often, ms; 0 = none. |
 * | old | rest | 25, count, listener | Connections of this listener that were accepted, and that nobody has served. The end of the connection follows. |
 */
import { ProtocolError, readNumbers, writeNumbers } from '@lars/reactor/number-frames';

export const SUCCESSION_VERSION = 2;

/** The first number of a frame. None is a kind of the protocol of `lars dispatch`, whose workers connect to the same socket. */
const Kind = { succeed: 5, claim: 6, ready: 7, offer: 23, released: 24, rest: 25 } as const;

/** Who takes over from whom: sockets of one are nothing for the other. */
export const successionServices = ['dispatcher', 'proxy'] as const;
export type SuccessionService = (typeof successionServices)[number];

export type SuccessorFrame =
  | { readonly kind: 'succeed'; readonly version: number; readonly service: SuccessionService }
  | { readonly kind: 'claim'; readonly number: number }
  | { readonly kind: 'ready' };

export type PredecessorFrame =
  | { readonly kind: 'offer'; readonly count: number }
  | { readonly kind: 'released'; readonly watchdogMs: number }
  | { readonly kind: 'rest'; readonly count: number; readonly listener: number };

export type SuccessionFrame = SuccessorFrame | PredecessorFrame;

export function encodeSuccessionFrame(frame: SuccessionFrame): Uint8Array {
  return writeNumbers(Kind[frame.kind], numbersOf(frame));
}

/** Whether a connection begins as that of a process that takes over does. @param bytes of its first frame */
export function isSucceed(bytes: Uint8Array): boolean {
  return readNumbers(bytes)[0] === Kind.succeed;
}

/** @throws {ProtocolError} when no process that takes over says that */
export function decodeSuccessorFrame(bytes: Uint8Array): SuccessorFrame {
  const [kind, first, second] = readNumbers(bytes);
  switch (kind) {
    case Kind.succeed: {
      const service = successionServices[second];
      if (service === undefined) throw new ProtocolError(`there is no service ${second}`);
      return { kind: 'succeed', version: first, service };
    }
    case Kind.claim:
      return { kind: 'claim', number: first };
    case Kind.ready:
      return { kind: 'ready' };
    default:
      throw new ProtocolError(`nobody who takes over sends frames of kind ${kind}`);
  }
}

/** @throws {ProtocolError} when no process that hands over says that */
export function decodePredecessorFrame(bytes: Uint8Array): PredecessorFrame {
  const [kind, first, second] = readNumbers(bytes);
  switch (kind) {
    case Kind.offer:
      return { kind: 'offer', count: first };
    case Kind.released:
      return { kind: 'released', watchdogMs: first };
    case Kind.rest:
      return { kind: 'rest', count: first, listener: second };
    default:
      throw new ProtocolError(`nobody who hands over sends frames of kind ${kind}`);
  }
}

function numbersOf(frame: SuccessionFrame): readonly number[] {
  switch (frame.kind) {
    case 'succeed':
      return [frame.version, successionServices.indexOf(frame.service)];
    case 'claim':
      return [frame.number];
    case 'ready':
      return [];
    case 'offer':
      return [frame.count];
    case 'released':
      return [frame.watchdogMs];
    case 'rest':
      return [frame.count, frame.listener];
  }
}
