/** Reports where there are two reporters: each belongs to the one that it was sent to. */
import { decodeBody, FrameDecoder, MessageId, type ReportStatusRequest } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { reporterCounters } from '../../../agent/src/counters.ts';
import { AckHabit } from '../../../agent/src/report/ack-habit.ts';
import { ReportLine } from '../../../agent/src/report/report-line.ts';
import { ReportLines } from '../../../agent/src/report/report-lines.ts';
import { ReportOutbox } from '../../../agent/src/report/report-outbox.ts';
import { ACK_TIMEOUT_MS, callResult, statusReport } from './outbox-world.ts';

const [A, B] = [0, 1];

class World {
  readonly received: ReportStatusRequest[][] = [[], []];
  readonly lines: ReportLines;
  readonly #up = [false, false];
  nowMs = 1_000;

  constructor(acknowledging = true) {
    const counters = new SharedCounters(reporterCounters);
    const newLine = (server: number) => {
      const options = {
        agent: `run-${server}`,
        caller: 1,
        maxUnacknowledged: 100,
        maxUnsentResults: 100,
        ackTimeoutMs: ACK_TIMEOUT_MS,
      };
      const habit = new AckHabit(acknowledging, () => undefined);
      return new ReportLine([], new ReportOutbox(options, { counters, habit, send: frame => this.#send(server, frame) }));
    };
    this.lines = new ReportLines([newLine(A), newLine(B)]);
  }

  use(server: number): void {
    this.#up[server] = true;
    this.lines.use(server, this.nowMs);
  }

  connects(server: number): void {
    this.#up[server] = true;
    this.lines.onLinkUp(server, this.nowMs);
  }

  down(server: number): void {
    this.#up[server] = false;
    this.lines.get(server).onLinkDown();
  }

  add(modid: number): void {
    this.lines.add(statusReport(modid), this.nowMs);
  }

  ack(server: number, seq: number): void {
    this.lines.get(server).onAck(`run-${server}`, seq, this.nowMs);
  }

  /** Modules and numbers, as they came since the last time. */
  take(server: number): string[] {
    return (this.received[server] ?? []).splice(0).map(({ modid, seq }) => `${modid}#${seq}`);
  }

  #send(server: number, frame: Uint8Array): boolean {
    if (this.#up[server] !== true) return false;
    new FrameDecoder().push(frame, (_, body) => this.received[server]?.push(decodeBody(MessageId.ReportStatusRequest, body)));
    return true;
  }
}

describe('when another reporter is used', () => {
  test('what the one before may have stored is not sent to it, and goes to the one before under its number when that is back', () => {
    const world = new World();
    world.use(A);
    for (const modid of [1, 2]) world.add(modid);
    world.ack(A, 1);
    world.take(A);
    world.down(A);
    world.use(B);
    world.add(3);
    expect(world.take(B)).toEqual(['3#1']);
    expect(world.lines.get(A).owedCount).toBe(1);
    world.connects(A);
    expect(world.take(A)).toEqual(['2#2']);
    world.ack(A, 2);
    expect([world.lines.get(A).owedCount, world.lines.openCount]).toEqual([0, 1]);
  });

  test('it is sent what was sent to none, each call once', () => {
    const world = new World();
    world.use(A);
    world.down(A);
    world.add(1);
    world.lines.add(statusReport(1, 601, [callResult(1), callResult(2)]), world.nowMs);
    world.use(B);
    expect(world.received[B]?.map(({ results }) => results.map(({ port, succ }) => [port, succ]))).toEqual([
      [
        [1, 2],
        [2, 1],
      ],
    ]);
    world.connects(A);
    expect(world.take(A)).toEqual([]);
  });

  test('and the first one again, the later one is still told what it may have stored already', () => {
    const world = new World();
    world.use(B);
    world.add(1);
    world.use(A);
    world.add(2);
    expect([world.take(A), world.take(B)]).toEqual([['2#1'], ['1#1']]);
    world.ack(B, 1);
    expect([world.lines.get(B).owedCount, world.lines.get(A).owedCount]).toEqual([0, 1]);
  });
});

describe('silence', () => {
  test('of a reporter that acknowledges is seen soon', () => {
    const world = new World();
    world.use(A);
    world.add(1);
    expect(world.lines.get(A).isSilent(world.nowMs + 1_300, 1_300)).toBe(false);
    expect(world.lines.get(A).isSilent(world.nowMs + 1_301, 1_300)).toBe(true);
    world.ack(A, 1);
    expect(world.lines.get(A).isSilent(world.nowMs + 60_000, 1_300)).toBe(false);
  });

  test('of one that may be a C++ reporter means nothing', () => {
    const world = new World(false);
    world.use(A);
    world.add(1);
    expect(world.lines.get(A).isSilent(world.nowMs + 60_000, 1_300)).toBe(false);
  });
});
