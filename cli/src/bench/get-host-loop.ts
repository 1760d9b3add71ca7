// pure
import { encodeFrame, MessageId, ReturnCode } from '@lars/proto';
import {
  AnswerReader,
  type HostBytes,
  type ModuleFrames,
  SEQ_COUNT,
  SEQ_MIN,
  writeReport,
  writeRequest,
} from './get-host-frames.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { Quota } from './load-result.ts';
import { HOST_PORT } from './module-layout.ts';

/** Where datagrams are written that are to leave. */
export interface DatagramSink {
  readonly bytes: Uint8Array;
  /** Where in `bytes` the next one is written. */
  outgoingStart(): number;
  /** The bytes that were written there are a datagram, which leaves with the next flush. */
  commit(length: number): void;
}

export interface GetHostLoopOptions {
  /** How many requests are in flight at any time. */
  readonly window: number;
  /** The modules that are asked for, one after the other. */
  readonly modules: readonly ModuleFrames[];
  /** Each answer is followed by a report of success. */
  readonly reports: boolean;
  readonly answerTimeoutMs: number;
  readonly quota: Quota;
}

/** The sums of all loops of a stint. */
export class GetHostTally {
  readonly latency = new LatencyHistogram();
  answered = 0;
  /** Answers without a host: OVERLOAD, and all others. */
  overloaded = 0;
  hostless = 0;
  lost = 0;
  /** Answers to requests that had been given up. */
  late = 0;
  /** Datagrams that are no answers. */
  odd = 0;
  reports = 0;
  lastAnswerMs = Number.NEGATIVE_INFINITY;
}

const NOTHING_UNDER_WAY = -1;

/**
 * One socket's side of a closed loop: the next request leaves when an answer has come, or when its time is up. A request is known by
 * its seq: the place in the window, and how often that place was used, so that a late answer is not taken for another one's.
 */
export class GetHostLoop {
  readonly #options: GetHostLoopOptions;
  readonly #sink: DatagramSink;
  readonly #tally: GetHostTally;
  readonly #answer = new AnswerReader();
  readonly #generations: number;
  /** Of each place in the window. */
  readonly #sentMs: Float64Array;
  readonly #generation: Uint32Array;
  readonly #module: Uint32Array;
  #nextModule = 0;
  #inFlight = 0;

  constructor(options: GetHostLoopOptions, sink: DatagramSink, tally: GetHostTally) {
    this.#options = options;
    this.#sink = sink;
    this.#tally = tally;
    this.#generations = Math.floor(SEQ_COUNT / options.window);
    this.#sentMs = new Float64Array(options.window).fill(NOTHING_UNDER_WAY);
    this.#generation = new Uint32Array(options.window);
    this.#module = new Uint32Array(options.window);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  begin(nowMs: number): void {
    for (let place = 0; place < this.#options.window; place++) this.#ask(place, nowMs);
  }

  onDatagram(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    if (!this.#answer.read(bytes, start, end)) {
      this.#tally.odd += 1;
      return;
    }
    const number = this.#answer.seq - SEQ_MIN;
    const place = number % this.#options.window;
    const generation = Math.floor(number / this.#options.window);
    const sentMs = this.#sentMs[place] ?? NOTHING_UNDER_WAY;
    if (number < 0 || sentMs === NOTHING_UNDER_WAY || generation !== this.#generation[place]) this.#tally.late += 1;
    else this.#onAnswer(place, nowMs, nowMs - sentMs);
  }

  /** Gives up what has waited too long; to be called now and then. */
  onTick(nowMs: number): void {
    for (let place = 0; place < this.#options.window; place++) {
      const sentMs = this.#sentMs[place] as number;
      if (sentMs === NOTHING_UNDER_WAY || nowMs - sentMs < this.#options.answerTimeoutMs) continue;
      this.#tally.lost += 1;
      this.#free(place);
      this.#ask(place, nowMs);
    }
  }

  #onAnswer(place: number, nowMs: number, tookMs: number): void {
    const tally = this.#tally;
    tally.answered += 1;
    tally.lastAnswerMs = nowMs;
    tally.latency.record(tookMs);
    const answer = this.#answer;
    if (answer.isEcho) this.#report(place, ECHOED_HOST);
    else if (answer.hostEnd > answer.hostStart) this.#report(place, answer);
    else if (answer.retcode === ReturnCode.Overload) tally.overloaded += 1;
    else tally.hostless += 1;
    this.#free(place);
    this.#ask(place, nowMs);
  }

  #report(place: number, host: HostBytes): void {
    if (!this.#options.reports) return;
    const sink = this.#sink;
    const start = sink.outgoingStart();
    sink.commit(writeReport(sink.bytes, start, this.#framesOf(place), host));
    this.#tally.reports += 1;
  }

  #ask(place: number, nowMs: number): void {
    if (!this.#options.quota.take()) return;
    this.#module[place] = this.#nextModule;
    this.#nextModule = (this.#nextModule + 1) % this.#options.modules.length;
    this.#sentMs[place] = nowMs;
    this.#inFlight += 1;
    const seq = SEQ_MIN + (this.#generation[place] as number) * this.#options.window + place;
    const sink = this.#sink;
    const start = sink.outgoingStart();
    sink.commit(writeRequest(sink.bytes, start, this.#framesOf(place), seq));
  }

  #free(place: number): void {
    this.#sentMs[place] = NOTHING_UNDER_WAY;
    this.#generation[place] = ((this.#generation[place] as number) + 1) % this.#generations;
    this.#inFlight -= 1;
  }

  #framesOf(place: number): ModuleFrames {
    return this.#options.modules[this.#module[place] as number] as ModuleFrames;
  }
}

/** An echo names no host; its report is as long as the one to an agent, whose hosts have such addresses. */
const ECHOED_HOST = hostBytes(0x0a000001, HOST_PORT);

function hostBytes(ip: number, port: number): HostBytes {
  const host = { ip, port, weight: 0, addr: '', zone: '', drain: false };
  const answer = encodeFrame(MessageId.GetHostResponse, { seq: SEQ_MIN, modid: 1, cmdid: 1, retcode: 0, host });
  const reader = new AnswerReader();
  reader.read(answer, 0, answer.length);
  return reader;
}
