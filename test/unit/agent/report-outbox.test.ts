import { encodeFrame, MAX_BODY_BYTES, MessageId } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AGENT, CALLER, callResult, linkUp, OutboxWorld, statusReport } from './outbox-world.ts';

describe('a report', () => {
  test('is sent at once, under the name of this run and the next number', () => {
    const world = linkUp();
    for (const modid of [1, 2]) world.add(statusReport(modid, 601));
    expect(world.takeReceived()).toEqual([
      { ...statusReport(1, 601), caller: CALLER, agent: AGENT, seq: 1 },
      { ...statusReport(2, 601), caller: CALLER, agent: AGENT, seq: 2 },
    ]);
    expect(world.outbox.openCount).toBe(2);
  });

  test('is kept until it is acknowledged; an acknowledgement covers all lower numbers', () => {
    const world = linkUp();
    for (const modid of [1, 2, 3]) world.add(statusReport(modid));
    world.ack(2);
    expect(world.outbox.openCount).toBe(1);
    world.ack(1);
    expect(world.outbox.openCount).toBe(1);
    world.ack(99);
    expect(world.outbox.openCount).toBe(0);
    expect(world.counters.toObject()).toMatchObject({ reports: 3, sent: 3, acknowledged: 3 });
  });

  test('is not acknowledged by what was meant for another run', () => {
    const world = linkUp();
    world.add(statusReport(1));
    world.outbox.onAck('10.0.0.9-run-0', 1, world.nowMs);
    expect(world.outbox.openCount).toBe(1);
  });

  test('waits where too many are on their way already, and goes with the acknowledgement of one', () => {
    const world = linkUp({ maxUnacknowledged: 2 });
    for (const modid of [1, 2, 3, 4]) world.add(statusReport(modid));
    expect(world.takeSeqs()).toEqual([1, 2]);
    world.ack(1);
    expect(world.takeReceived()).toMatchObject([{ seq: 3, modid: 3 }]);
    world.ack(3);
    expect(world.takeReceived()).toMatchObject([{ seq: 4, modid: 4 }]);
  });
});

describe('after a reconnect', () => {
  test('waits for none of them where nothing comes any more', () => {
    const world = linkUp({ maxUnacknowledged: 2 });
    for (let modid = 1; modid <= 5; modid++) world.add(statusReport(modid));
    expect(world.takeSeqs()).toEqual([1, 2]);
    world.outbox.drain(world.nowMs);
    expect(world.takeSeqs()).toEqual([3, 4, 5]);
    world.ack(5);
    expect(world.outbox.openCount).toBe(0);
  });

  test('what was not acknowledged is sent again first, under the same numbers and in the same order', () => {
    const world = linkUp();
    for (const modid of [1, 2, 3]) world.add(statusReport(modid));
    const sent = world.takeReceived();
    world.ack(1);
    world.down();
    world.add(statusReport(4));
    world.up();
    expect(world.takeReceived()).toEqual([...sent.slice(1), expect.objectContaining({ seq: 4, modid: 4 })]);
    expect(world.counters.toObject()).toMatchObject({ repeated: 2, reconnects: 2 });
  });

  test('which breaks at once, nothing is lost and no number is given twice', () => {
    const world = linkUp();
    for (const modid of [1, 2, 3]) world.add(statusReport(modid));
    world.takeReceived();
    world.down();
    world.add(statusReport(4));
    world.framesUntilCut = 2;
    world.up();
    expect(world.takeSeqs()).toEqual([1, 2]);
    world.up();
    expect(world.takeReceived()).toMatchObject([1, 2, 3, 4].map(n => ({ seq: n, modid: n })));
  });
});

describe('while the reporter is away', () => {
  test('reports are merged per module and minute: counts are summed, states are the later ones', () => {
    const world = new OutboxWorld();
    const early = [callResult(1, { succ: 5, err: 1, tcost: 70, probes: 1, overload: true, weight: 10 }), callResult(2)];
    const late = [callResult(1, { succ: 2, err: 3, tcost: 30, probes: 2, weight: 20 }), callResult(3)];
    world.add(statusReport(1, 600, early));
    world.add(statusReport(1, 659, late));
    world.up();
    expect(world.takeReceived()).toMatchObject([
      {
        ts: 659,
        results: [
          callResult(1, { succ: 7, err: 4, tcost: 100, probes: 3, overload: false, weight: 20 }),
          callResult(2),
          callResult(3),
        ],
      },
    ]);
    expect(world.counters.get('merged')).toBe(1);
  });

  test('reports of other minutes or modules are kept apart', () => {
    const world = new OutboxWorld();
    for (const [modid, ts] of [
      [1, 659],
      [1, 660],
      [2, 659],
      [1, 661],
    ] as const)
      world.add(statusReport(modid, ts));
    world.up();
    expect(world.takeReceived().map(({ modid, ts }) => [modid, ts])).toEqual([
      [1, 659],
      [1, 661],
      [2, 659],
    ]);
  });

  test('too much of it makes room by dropping the oldest, which is counted', () => {
    const world = new OutboxWorld({ maxUnsentResults: 4 });
    const pair = [callResult(1), callResult(2)];
    for (const modid of [1, 2, 3]) world.add(statusReport(modid, 600, pair));
    expect(world.counters.get('dropped')).toBe(1);
    world.add(statusReport(2, 600, [callResult(3)]));
    expect(world.counters.get('dropped')).toBe(2);
    world.up();
    expect(world.takeReceived()).toMatchObject([{ modid: 2, results: [...pair, callResult(3)] }]);
  });

  test('a single report that is larger than all room is kept', () => {
    const world = new OutboxWorld({ maxUnsentResults: 1 });
    const results = [1, 2, 3].map(port => callResult(port));
    for (const modid of [1, 2]) world.add(statusReport(modid, 600, results));
    world.up();
    expect(world.takeReceived()).toMatchObject([{ modid: 2, results }]);
  });
});

describe('a report that is too large for a frame', () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `${'n'.repeat(240)}.${i}`);
  const large = names.map(addr =>
    callResult(65_535, { ip: 0, addr, succ: 2 ** 32 - 1, tcost: 2 ** 53 - 1, weight: 2 ** 32 - 1 }),
  );

  test('is sent in several, each under its number, and none of its results is left out', () => {
    const world = linkUp();
    world.add(statusReport(1, 600, large));
    const frames = world.takeReceived();
    expect(frames.map(({ seq }) => seq)).toEqual(frames.map((_, i) => i + 1));
    expect(frames.flatMap(({ results }) => results)).toEqual(large);
    for (const frame of frames) {
      const bytes = encodeFrame(MessageId.ReportStatusRequest, frame).length;
      expect(bytes).toBeLessThanOrEqual(MAX_BODY_BYTES);
    }
  });

  test('goes on where it was interrupted', () => {
    const world = new OutboxWorld();
    world.add(statusReport(1, 600, large));
    world.framesUntilCut = 2;
    world.up();
    const first = world.takeReceived();
    expect(first).toHaveLength(2);
    world.ack(2);
    world.up();
    const rest = world.takeReceived();
    expect([...first, ...rest].flatMap(({ results }) => results)).toEqual(large);
    expect(rest[0]?.seq).toBe(3);
  });
});

describe('property: with a reporter that acknowledges', () => {
  type Step =
    | { readonly kind: 'add'; readonly modid: number; readonly ts: number; readonly port: number; readonly succ: number }
    | { readonly kind: 'up' | 'cut' | 'ack'; readonly frames: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('add'),
        modid: fc.integer({ min: 1, max: 3 }),
        ts: fc.constantFrom(600, 630, 660),
        port: fc.integer({ min: 1, max: 3 }),
        succ: fc.integer({ min: 1, max: 1_000 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('up', 'cut', 'ack'), frames: fc.nat(6) }) },
  );

  test('every count arrives once, whatever was lost on the way, and numbers only grow', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, maxUnacknowledged) => {
        const world = new OutboxWorld({ maxUnacknowledged });
        const stored = new Map<number, string>();
        const added = new Map<string, number>();
        let up = false;
        /** The reporter stores what has arrived, all but the last `lost` frames. */
        const store = (lost = 0) => {
          const arrived = world.takeReceived();
          for (const { seq, modid, results } of arrived.slice(0, Math.max(0, arrived.length - lost))) {
            expect(seq).toBeLessThanOrEqual(stored.size + 1);
            const content = JSON.stringify({ modid, results });
            expect(stored.get(seq) ?? content).toBe(content);
            stored.set(seq, content);
          }
        };
        const link = (wanted: boolean) => {
          if (wanted !== up) world[wanted ? 'up' : 'down']();
          up = wanted;
        };
        for (const one of steps) {
          if (one.kind === 'add') {
            world.add(statusReport(one.modid, one.ts, [callResult(one.port, { succ: one.succ })]));
            const key = `${one.modid} ${one.port}`;
            added.set(key, (added.get(key) ?? 0) + one.succ);
          } else if (one.kind === 'up') link(true);
          else if (one.kind === 'cut') {
            store(up ? one.frames : 0);
            link(false);
          } else {
            store();
            if (up) world.ack(Math.max(0, stored.size - one.frames));
          }
        }
        link(true);
        store();
        for (let rounds = 0; rounds < steps.length && world.outbox.openCount > 0; rounds++) {
          world.ack(stored.size);
          store();
        }
        expect(world.outbox.openCount).toBe(0);
        expect(sumOf([...stored.values()])).toEqual(added);
        expect(world.counters.get('dropped')).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  function sumOf(contents: readonly string[]): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { modid, results } of contents.map(content => JSON.parse(content) as ReturnType<typeof statusReport>)) {
      for (const { port, succ } of results) {
        const key = `${modid} ${port}`;
        sums.set(key, (sums.get(key) ?? 0) + succ);
      }
    }
    return sums;
  }
});
