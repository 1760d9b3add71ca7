// pure
import { decodeBody, encodeBody, HEADER_BYTES, MessageId, type ModuleId, parseIpv4, writeHeader } from '@lars/proto';
import type { LaneScript } from './frame-lane.ts';
import { HOST_PORT, hostAddress } from './module-layout.ts';

export interface ReporterLane {
  /** The name under which the agent numbers its reports: a new one for each run. */
  readonly agent: string;
  /** The agent's own IPv4, as in HostInfo.ip. */
  readonly caller: number;
  /** Unix seconds. */
  readonly ts: number;
  readonly modules: readonly ModuleId[];
  readonly hosts: number;
}

/** The bytes of the largest seq as a varint. */
const SEQ_MAX_BYTES = 8;
const SEQ_TAG = 0x30;
const SUCCESSES = 100;
const ERRORS = 1;

/** Plays an agent: numbered reports of one module after the other. An acknowledgement answers all that came before it. */
export class ReportScript implements LaneScript {
  /** All that a report says but its number, which comes last: proto3 does not mind the order of fields. */
  readonly #bodies: readonly Uint8Array[];
  readonly #bodyMaxBytes: number;
  #lastSeq = 0;
  #ackedSeq = 0;

  constructor({ agent, caller, ts, modules, hosts }: ReporterLane) {
    const results = Array.from({ length: hosts }, (_, host) => resultOf(parseIpv4(hostAddress(host)) as number));
    this.#bodies = modules.map(module =>
      encodeBody(MessageId.ReportStatusRequest, { ...module, caller, results, ts, seq: 0, agent }),
    );
    this.#bodyMaxBytes = Math.max(...this.#bodies.map(({ length }) => length));
  }

  requests(count: number): Uint8Array {
    const bytes = new Uint8Array(count * (HEADER_BYTES + this.#bodyMaxBytes + 1 + SEQ_MAX_BYTES));
    let end = 0;
    for (let i = 0; i < count; i++) end = this.#writeNext(bytes, end);
    return bytes.subarray(0, end);
  }

  onFrame(id: number, body: Uint8Array): number {
    if (id !== MessageId.ReportStatusAck) return 0;
    const { seq } = decodeBody(MessageId.ReportStatusAck, body);
    const answers = Math.max(0, Math.min(seq, this.#lastSeq) - this.#ackedSeq);
    this.#ackedSeq += answers;
    return answers;
  }

  #writeNext(bytes: Uint8Array, at: number): number {
    const body = this.#bodies[this.#lastSeq % this.#bodies.length] as Uint8Array;
    this.#lastSeq += 1;
    bytes.set(body, at + HEADER_BYTES);
    const seqAt = at + HEADER_BYTES + body.length;
    bytes[seqAt] = SEQ_TAG;
    const end = writeVarint(bytes, seqAt + 1, this.#lastSeq);
    writeHeader(bytes, at, MessageId.ReportStatusRequest, end - at - HEADER_BYTES);
    return end;
  }
}

function resultOf(ip: number) {
  return { ip, port: HOST_PORT, succ: SUCCESSES, err: ERRORS, overload: false, addr: '', weight: 0, tcost: SUCCESSES, probes: 0 };
}

/** @returns where it ends */
function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let left = value;
  let end = at;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes[end++] = (left % 0x80) | 0x80;
  bytes[end++] = left;
  return end;
}
