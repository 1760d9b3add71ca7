import { type HostInfo, MessageId, writeHeader } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { recordLogger } from '@lars/runtime/log';
import type { ModuleBalancerFactory } from '../../agent/src/balancer/algorithm.ts';
import { shardCounters } from '../../agent/src/counters.ts';
import { newForwardsInFlight } from '../../agent/src/shard/forwarding.ts';
import { Shard } from '../../agent/src/shard/shard.ts';
import { median } from '../machine.ts';

/** A usual request is one that callers send; an odd one has a field more, which the hot path leaves to the general codec. */
export type Wording = 'usual' | 'odd';

/** So many calls are under way at a time: as many getHosts, then as many reports, as a transport hands them over. */
const BATCH = 64;
const SLOT_BYTES = 256;
const HEADER_BYTES = 8;
/** seq, modid and cmdid; the host follows, where it is answered. */
const IDS_BYTES = 8;
const ODD_FIELD = [0x78, 1] as const;
/** A hundred thousand calls a second. */
const BATCH_MS = BATCH / 100;
/** Ids that take two bytes. */
const FIRST_ID = 200;
const MODIDS = 1_000;
const FIRST_PORT = 8_000;
const NO_CALLER = undefined;
/** Clocks of microseconds show fractions; a clock that begins at 0 would let V8 believe that all times are whole numbers. */
const START_MS = 12_345.678;

export interface Cost {
  readonly getHostNs: number;
  readonly reportNs: number;
  /** Allocated for a getHost and its report together. */
  readonly pairBytes: number;
}

/** The callers of one shard, who ask for its modules at random and report each answer as well after 5 ms. */
export class ShardTraffic {
  readonly #shard: Shard;
  readonly #moduleCount: number;
  readonly #oddBytes: readonly number[];
  readonly #requests = new Uint8Array(BATCH * SLOT_BYTES);
  readonly #replies = new Uint8Array(BATCH * SLOT_BYTES);
  readonly #ends = new Uint32Array(BATCH);
  #dice = 1;
  /** Undefined before the first batch: so V8 keeps it as an object, as the time that a transport hands on, and not anew for each call. */
  #nowMs: number | undefined = undefined;

  constructor(newBalancer: ModuleBalancerFactory, moduleCount: number, hostsPerModule: number, wording: Wording = 'usual') {
    this.#shard = shardOf(newBalancer);
    this.#moduleCount = moduleCount;
    this.#oddBytes = wording === 'odd' ? ODD_FIELD : [];
    for (let module = 0; module < moduleCount; module++) this.#serve(module, hostsPerModule);
  }

  /** Of the batches the median is told: one in which the thread was put aside says nothing. @param allocated bytes until now */
  run(pairs: number, allocated: () => number): Cost {
    const bytesBefore = allocated();
    const batches = Math.ceil(pairs / BATCH);
    const getHostMs = new Float64Array(batches);
    const reportMs = new Float64Array(batches);
    for (let batch = 0; batch < batches; batch++) {
      const nowMs = (this.#nowMs ?? START_MS) + BATCH_MS;
      this.#nowMs = nowMs;
      for (let slot = 0; slot < BATCH; slot++) this.#writeRequest(slot);
      getHostMs[batch] = this.#handleBatch(this.#nowMs);
      for (let slot = 0; slot < BATCH; slot++) this.#writeReport(slot);
      reportMs[batch] = this.#handleBatch(this.#nowMs);
    }
    const pairBytes = (allocated() - bytesBefore) / (batches * BATCH);
    return { getHostNs: nsPerCall(getHostMs), reportNs: nsPerCall(reportMs), pairBytes };
  }

  /** The hosts come as they do from the thread that asks for them: cloned. */
  #serve(module: number, hostCount: number): void {
    const hosts = Array.from({ length: hostCount }, (_, index) => hostAt(module, index));
    const message = {
      type: 'route-updates',
      updates: [{ modid: modidOf(module), cmdid: cmdidOf(module), hosts, version: 1 }],
    } as const;
    this.#shard.handleMessage(structuredClone(message), START_MS, 0);
  }

  /** As a transport does: the time is read once a batch, and the datagrams are shown beforehand. */
  #handleBatch(nowMs: number): number {
    const startMs = performance.now();
    const { prefetcher } = this.#shard;
    for (let slot = 0; slot < BATCH; slot++) prefetcher.add(this.#requests, slot * SLOT_BYTES, this.#ends[slot] as number);
    prefetcher.prefetch();
    for (let slot = 0; slot < BATCH; slot++) {
      const start = slot * SLOT_BYTES;
      this.#shard.handleDatagram(this.#requests, start, this.#ends[slot] as number, this.#replies, start, NO_CALLER, nowMs);
    }
    return performance.now() - startMs;
  }

  #writeRequest(slot: number): void {
    const module = this.#anyModule();
    const bytes = this.#requests;
    const start = slot * SLOT_BYTES;
    let at = start + HEADER_BYTES;
    bytes[at++] = 0x08;
    bytes[at++] = 1;
    at = writeId(bytes, at, 0x10, modidOf(module));
    at = writeId(bytes, at, 0x18, cmdidOf(module));
    this.#finish(slot, at, MessageId.GetHostRequest);
  }

  /** Takes the ids and the host over from the answer. */
  #writeReport(slot: number): void {
    const bytes = this.#requests;
    const answer = this.#replies;
    const start = slot * SLOT_BYTES;
    const ids = start + HEADER_BYTES + 2;
    const host = start + HEADER_BYTES + IDS_BYTES;
    if (answer[host] !== 0x2a) throw new Error('an answer names no host');
    let at = start + HEADER_BYTES;
    for (let i = 0; i < IDS_BYTES - 2; i++) bytes[at + i] = answer[ids + i] as number;
    bytes[at] = 0x08;
    bytes[at + 3] = 0x10;
    at += IDS_BYTES - 2;
    const hostBytes = 2 + (answer[host + 1] as number);
    for (let i = 0; i < hostBytes; i++) bytes[at + i] = answer[host + i] as number;
    bytes[at] = 0x1a;
    at += hostBytes;
    bytes[at++] = 0x28;
    bytes[at++] = 5;
    this.#finish(slot, at, MessageId.ReportRequest);
  }

  #finish(slot: number, bodyEnd: number, id: MessageId): void {
    const start = slot * SLOT_BYTES;
    let at = bodyEnd;
    for (let i = 0; i < this.#oddBytes.length; i++) this.#requests[at++] = this.#oddBytes[i] as number;
    writeHeader(this.#requests, start, id, at - start - HEADER_BYTES);
    this.#ends[slot] = at;
  }

  #anyModule(): number {
    this.#dice = (Math.imul(this.#dice, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#dice / 2 ** 32) * this.#moduleCount);
  }
}

function nsPerCall(batchMs: Float64Array): number {
  return (median(Array.from(batchMs)) * 1e6) / BATCH;
}

function shardOf(newBalancer: ModuleBalancerFactory): Shard {
  const nothing = () => undefined;
  return new Shard(
    {
      index: 0,
      routeWaitMs: 100,
      maxWaiting: 1_000,
      absentTtlMs: 1_000,
      maxAbsent: 1_000,
      // No route becomes stale here: the thread that fetches routes is not measured.
      updateTimeoutMs: 1e9,
      reportTimeoutMs: 15_000,
      topModules: 20,
    },
    {
      forwardsInFlight: newForwardsInFlight(),
      newBalancer,
      random: Math.random,
      log: recordLogger(nothing),
      counters: new SharedCounters(shardCounters),
      fetchRoute: nothing,
      sendStatus: nothing,
      postToShard: nothing,
      sendReply: nothing,
    },
  );
}

/** 192.168.x.y, which is negative and takes ten bytes. */
function hostAt(module: number, index: number): HostInfo {
  return { ip: -1_062_731_776 + (module & 0xff), port: FIRST_PORT + index, weight: 0, addr: '', zone: '', drain: false };
}

function modidOf(module: number): number {
  return FIRST_ID + (module % MODIDS);
}

function cmdidOf(module: number): number {
  return FIRST_ID + Math.floor(module / MODIDS);
}

function writeId(bytes: Uint8Array, start: number, tag: number, id: number): number {
  bytes[start] = tag;
  bytes[start + 1] = (id & 0x7f) | 0x80;
  bytes[start + 2] = id >> 7;
  return start + 3;
}
