// pure
/**
 * What recvmmsg and sendmmsg read and write, in one ArrayBuffer: the bytes of datagrams, and the structures that point to them with
 * absolute addresses. Nearly all of the structures are written once, at the start.
 */

/** IPv4: a packet of 65,535 bytes less the headers of IP and UDP. */
export const MAX_UDP_BYTES = 65_507;

/** struct mmsghdr, struct iovec and struct sockaddr_in on 64-bit Linux. */
const HEADER = { bytes: 64, name: 0, nameLength: 8, iovec: 16, iovecCount: 24, received: 56 } as const;
const IOVEC_BYTES = 16;
const NAME_BYTES = 16;
const AF_INET = 2;

/** Room for the small arguments of calls: an address and its length, an option. */
const SCRATCH_BYTES = 64;
/**
 * Each incoming slot has room for the largest datagram. Memory that was never written to costs nothing, so a slot of small
 * datagrams costs one page. The extra cache line keeps the beginnings of the slots from falling into the same few lines of the cache.
 */
const SLOT_BYTES = 65_536 + 64;
/** Answers lie close behind one another; another one is taken while there is room for the largest. */
const OUTGOING_BYTES = 2 * 65_536;

const TWO_TO_32 = 2 ** 32;
const TWO_TO_16 = 2 ** 16;

/** Byte offsets into the buffer. */
interface Layout {
  readonly incomingHeaders: number;
  readonly outgoingHeaders: number;
  readonly incomingIovecs: number;
  readonly outgoingIovecs: number;
  readonly incomingNames: number;
  readonly outgoingNames: number;
  readonly scratch: number;
  readonly outgoing: number;
  readonly incoming: number;
  readonly total: number;
}

export class MmsgMemory {
  readonly slots: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly incomingHeaders: number;
  readonly scratch: number;
  readonly #words: Uint32Array;
  readonly #layout: Layout;
  readonly #address: number;
  /** Where the next answer is written, and how many answers lie before it. */
  #outgoingEnd: number;
  #outgoingCount = 0;

  /**
   * @param addressOf the address of a buffer in memory
   * @param connected the socket is connected to one address, which no datagram names
   */
  constructor(slots: number, connected: boolean, addressOf: (buffer: ArrayBuffer) => number) {
    const layout = layOut(slots);
    const buffer = new ArrayBuffer(layout.total);
    this.slots = slots;
    this.bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#layout = layout;
    this.#address = addressOf(buffer);
    this.incomingHeaders = this.addressAt(layout.incomingHeaders);
    this.scratch = layout.scratch;
    this.#outgoingEnd = layout.outgoing;
    for (let slot = 0; slot < slots; slot++) this.#fillSlot(slot, connected);
  }

  addressAt(offset: number): number {
    return this.#address + offset;
  }

  startOf(slot: number): number {
    return this.#layout.incoming + slot * SLOT_BYTES;
  }

  lengthOf(slot: number): number {
    return this.#words[(this.#layout.incomingHeaders + slot * HEADER.bytes + HEADER.received) >> 2] as number;
  }

  /** The sender in 48 bits: address and port, each in network byte order. */
  senderOf(slot: number): number {
    const name = (this.#layout.incomingNames + slot * NAME_BYTES) >> 2;
    return (this.#words[name + 1] as number) * TWO_TO_16 + ((this.#words[name] as number) >>> 16);
  }

  /** The sender's IPv4 address, unsigned, host order. */
  senderIpOf(slot: number): number {
    return swap32(this.#words[((this.#layout.incomingNames + slot * NAME_BYTES) >> 2) + 1] as number);
  }

  get outgoingCount(): number {
    return this.#outgoingCount;
  }

  get outgoingEnd(): number {
    return this.#outgoingEnd;
  }

  get hasRoom(): boolean {
    return this.#outgoingCount < this.slots && this.#outgoingEnd + MAX_UDP_BYTES <= this.#layout.incoming;
  }

  /** Makes a datagram of what was written at `outgoingEnd`. */
  commit(length: number, address: number): void {
    const words = this.#words;
    const { outgoingIovecs, outgoingNames } = this.#layout;
    const iovec = (outgoingIovecs + this.#outgoingCount * IOVEC_BYTES) >> 2;
    this.#putAddress(iovec, this.#outgoingEnd);
    words[iovec + 2] = length;
    const name = (outgoingNames + this.#outgoingCount * NAME_BYTES) >> 2;
    const host = Math.floor(address / TWO_TO_16);
    words[name] = ((address - host * TWO_TO_16) << 16) | AF_INET;
    words[name + 1] = host;
    this.#outgoingEnd += length;
    this.#outgoingCount += 1;
  }

  outgoingHeader(index: number): number {
    return this.addressAt(this.#layout.outgoingHeaders + index * HEADER.bytes);
  }

  clearOutgoing(): void {
    this.#outgoingEnd = this.#layout.outgoing;
    this.#outgoingCount = 0;
  }

  #fillSlot(slot: number, connected: boolean): void {
    const layout = this.#layout;
    const incoming = layout.incomingIovecs + slot * IOVEC_BYTES;
    this.#putAddress(incoming >> 2, this.startOf(slot));
    this.#words[(incoming >> 2) + 2] = SLOT_BYTES;
    const outgoing = layout.outgoingIovecs + slot * IOVEC_BYTES;
    const names = connected ? [0, 0] : [layout.incomingNames + slot * NAME_BYTES, layout.outgoingNames + slot * NAME_BYTES];
    this.#fillHeader(layout.incomingHeaders + slot * HEADER.bytes, names[0] as number, incoming);
    this.#fillHeader(layout.outgoingHeaders + slot * HEADER.bytes, names[1] as number, outgoing);
  }

  #fillHeader(header: number, name: number, iovec: number): void {
    if (name > 0) {
      this.#putAddress((header + HEADER.name) >> 2, name);
      this.#words[(header + HEADER.nameLength) >> 2] = NAME_BYTES;
    }
    this.#putAddress((header + HEADER.iovec) >> 2, iovec);
    this.#words[(header + HEADER.iovecCount) >> 2] = 1;
  }

  #putAddress(word: number, offset: number): void {
    const address = this.#address + offset;
    const high = Math.floor(address / TWO_TO_32);
    this.#words[word] = address - high * TWO_TO_32;
    this.#words[word + 1] = high;
  }
}

/** An address as senderOf gives it. @param ip host-order number */
export function addressFor(ip: number, port: number): number {
  return swap32(ip) * TWO_TO_16 + swap16(port);
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function swap32(value: number): number {
  return ((swap16(value & 0xffff) << 16) | swap16(value >>> 16)) >>> 0;
}

function layOut(slots: number): Layout {
  let end = 0;
  const take = (length: number) => {
    const start = end;
    end += length;
    return start;
  };
  return {
    // Names must not lie at the very beginning, because offset 0 stands for "no name".
    scratch: take(SCRATCH_BYTES),
    incomingHeaders: take(slots * HEADER.bytes),
    outgoingHeaders: take(slots * HEADER.bytes),
    incomingIovecs: take(slots * IOVEC_BYTES),
    outgoingIovecs: take(slots * IOVEC_BYTES),
    incomingNames: take(slots * NAME_BYTES),
    outgoingNames: take(slots * NAME_BYTES),
    outgoing: take(OUTGOING_BYTES),
    incoming: take(slots * SLOT_BYTES),
    total: end,
  };
}
