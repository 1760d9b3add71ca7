/** What earlier runs left, and the end of a run. */
import { decodeBody, encodeFrame, FrameDecoder, MessageId } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { reporterCounters } from '../../../agent/src/counters.ts';
import { AckHabit } from '../../../agent/src/report/ack-habit.ts';
import { ReportLine } from '../../../agent/src/report/report-line.ts';
import { ReportOutbox } from '../../../agent/src/report/report-outbox.ts';
import { joinFrames, splitFrames } from '../../../agent/src/report/unsent-frames.ts';
import { CALLER, statusReport } from './outbox-world.ts';

class World {
  readonly habit: AckHabit;
  readonly line: ReportLine;
  /** agent and number of what was sent since the last take. */
  #sent: [string, number][] = [];
  isUp = false;

  constructor(body: Uint8Array = new Uint8Array(0), hasAcknowledged = true) {
    this.habit = new AckHabit(hasAcknowledged, () => undefined);
    const earlier = [...splitFrames(body)].map(([agent, reports]) => this.#outbox(agent, reports));
    this.line = new ReportLine(earlier, this.#outbox('own', []));
  }

  up(): void {
    this.isUp = true;
    this.line.onLinkUp(0);
  }

  down(): void {
    this.isUp = false;
    this.line.onLinkDown();
  }

  takeSent(): [string, number][] {
    return this.#sent.splice(0);
  }

  #outbox(agent: string, earlier: ConstructorParameters<typeof ReportOutbox>[0]['earlier'] = []): ReportOutbox {
    const limits = { maxUnacknowledged: 1_000, maxUnsentResults: 10_000, ackTimeoutMs: 10_000 };
    const send = (frame: Uint8Array) => {
      if (this.isUp)
        new FrameDecoder().push(frame, (_, body) => {
          const report = decodeBody(MessageId.ReportStatusRequest, body);
          this.#sent.push([report.agent, report.seq]);
        });
      return this.isUp;
    };
    return new ReportOutbox(
      { agent, caller: CALLER, earlier, ...limits },
      { counters: new SharedCounters(reporterCounters), habit: this.habit, send },
    );
  }
}

function bodyOf(...reports: readonly (readonly [string, number])[]): Uint8Array {
  const frames = reports.map(([agent, seq]) =>
    encodeFrame(MessageId.ReportStatusRequest, { ...statusReport(seq), caller: CALLER, agent, seq }),
  );
  return joinFrames(frames, 1_000_000).body;
}

describe('what earlier runs left', () => {
  test('is sent first, each run under its own name and numbers, and only then the reports of this one', () => {
    const world = new World(bodyOf(['a', 7], ['a', 8], ['b', 3]));
    world.line.add(statusReport(1), 0);
    world.up();
    expect(world.takeSent()).toEqual([
      ['a', 7],
      ['a', 8],
    ]);
    world.line.onAck('a', 7, 0);
    expect([world.takeSent(), world.line.earlierCount, world.line.openCount]).toEqual([[], 2, 3]);
    world.line.onAck('a', 8, 0);
    expect(world.takeSent()).toEqual([['b', 3]]);
    world.line.onAck('b', 3, 0);
    expect([world.takeSent(), world.line.earlierCount]).toEqual([[['own', 1]], 0]);
    world.line.onAck('own', 1, 0);
    expect(world.line.openCount).toBe(0);
  });

  test('is sent again after a reconnect, and is left for the next run as it was', () => {
    const world = new World(bodyOf(['a', 7], ['a', 8]));
    world.up();
    world.takeSent();
    world.line.onAck('a', 7, 0);
    world.down();
    world.line.add(statusReport(1), 0);
    world.line.drain(0);
    const body = joinFrames(world.line.openFrames(), 1_000_000).body;
    expect([...splitFrames(body)].map(([agent, reports]) => [agent, reports.map(({ seq }) => seq)])).toEqual([
      ['a', [8]],
      ['own', [1]],
    ]);
    world.up();
    expect(world.takeSent()).toEqual([['a', 8]]);
    world.line.onAck('a', 8, 0);
    expect(world.takeSent()).toEqual([['own', 1]]);
  });

  test('is sent once to a reporter that never acknowledges', () => {
    const world = new World(bodyOf(['a', 7]), false);
    world.up();
    expect(world.line.checkOverdue(20_000)).toBe(false);
    expect([world.takeSent(), world.line.openCount]).toEqual([[['a', 7]], 0]);
  });
});

describe('at the end', () => {
  test('what is unsent gets its numbers while the link is down, and is sent under them when it comes', () => {
    const world = new World();
    for (const modid of [1, 2, 3]) world.line.add(statusReport(modid), 0);
    world.line.drain(0);
    expect(world.line.openFrames()).toHaveLength(3);
    world.up();
    expect(world.takeSent()).toEqual([1, 2, 3].map(seq => ['own', seq]));
    world.line.onAck('own', 2, 0);
    expect(world.line.openFrames()).toHaveLength(1);
  });

  test('a reporter of which nothing is known is left what it was not sent, for it may count everything that comes', () => {
    const world = new World(new Uint8Array(0), false);
    world.up();
    world.line.add(statusReport(1), 0);
    world.down();
    world.line.add(statusReport(2), 0);
    world.line.drain(0);
    const { body } = joinFrames(world.line.openFrames(), 1_000_000);
    expect([...splitFrames(body).values()].flat().map(({ seq }) => seq)).toEqual([2]);
  });
});

test('the file has room for so many bytes, and the newest reports have precedence', () => {
  const frames = [1, 2, 3].map(n => new Uint8Array(10).fill(n));
  expect(joinFrames(frames, 25)).toEqual({ body: Uint8Array.from([...Array(10).fill(2), ...Array(10).fill(3)]), left: 1 });
});

test('what is no report is refused', () => {
  const body = encodeFrame(MessageId.ReportStatusAck, { agent: 'a', seq: 1 });
  expect(() => splitFrames(body)).toThrow('no report');
});
