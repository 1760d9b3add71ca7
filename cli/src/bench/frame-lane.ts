// pure
import { FrameDecoder } from '@lars/proto';
import type { LatencyHistogram } from './latency-histogram.ts';
import type { Quota } from './load-result.ts';

/** The messages of one connection. */
export interface LaneScript {
  /** The next `count` requests, to be written together. The bytes must stand until they have left. */
  requests(count: number): Uint8Array;
  /** @returns how many of the oldest requests in flight this frame answers */
  onFrame(id: number, body: Uint8Array): number;
}

export interface LaneOptions {
  readonly window: number;
  readonly quota: Quota;
  readonly latency: LatencyHistogram;
  readonly write: (bytes: Uint8Array) => void;
}

/**
 * One connection's side of a closed loop: `window` requests are in flight at any time, answered in their order. Answers that come
 * together are followed by as many requests, written together.
 */
export class FrameLane {
  answered = 0;
  lastAnswerMs = Number.NEGATIVE_INFINITY;
  readonly #script: LaneScript;
  readonly #options: LaneOptions;
  readonly #decoder = new FrameDecoder();
  /** Requests in flight that were written together: how many, and when. */
  readonly #batches: { count: number; readonly sentMs: number }[] = [];
  #inFlight = 0;

  constructor(script: LaneScript, options: LaneOptions) {
    this.#script = script;
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  begin(nowMs: number): void {
    this.#ask(this.#options.window, nowMs);
  }

  /** @throws {LarsProtocolError} when what comes is not made of frames */
  onChunk(chunk: Uint8Array, nowMs: number): void {
    let answers = 0;
    this.#decoder.push(chunk, (id, body) => {
      answers += this.#script.onFrame(id, body);
    });
    // Further frames are pushes, which answer no request.
    const count = Math.min(answers, this.#inFlight);
    if (count === 0) return;
    this.#settle(count, nowMs);
    this.#ask(count, nowMs);
  }

  #settle(count: number, nowMs: number): void {
    this.answered += count;
    this.#inFlight -= count;
    this.lastAnswerMs = nowMs;
    for (let left = count; left > 0; ) {
      const oldest = this.#batches[0] as { count: number; readonly sentMs: number };
      const settled = Math.min(left, oldest.count);
      this.#options.latency.record(nowMs - oldest.sentMs, settled);
      oldest.count -= settled;
      left -= settled;
      if (oldest.count === 0) this.#batches.shift();
    }
  }

  #ask(most: number, nowMs: number): void {
    const count = this.#options.quota.takeUpTo(most);
    if (count === 0) return;
    this.#batches.push({ count, sentMs: nowMs });
    this.#inFlight += count;
    this.#options.write(this.#script.requests(count));
  }
}
