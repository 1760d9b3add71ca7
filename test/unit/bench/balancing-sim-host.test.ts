import { describe, expect, test } from 'vitest';
import { Agenda } from '../../../bench/balancing/sim/agenda.ts';
import { type HostSpec, hostSpec, WELL } from '../../../bench/balancing/sim/scenario.ts';
import { SimHost } from '../../../bench/balancing/sim/sim-host.ts';

/** A host and the answers that left it: '12 ok' is a success after 12 ms. */
class HostWorld {
  readonly agenda = new Agenda();
  readonly answers: string[] = [];
  readonly host: SimHost;

  constructor(spec: Partial<HostSpec>) {
    this.host = new SimHost(0, hostSpec({ workers: 1, serviceMs: 10, ...spec }), this.agenda);
  }

  callAt(atMs: number, work = 1, luck = 0.5): this {
    this.agenda.at(atMs, () => {
      this.host.expect();
      this.host.arrive({ work, luck, answer: ok => this.answers.push(`${this.agenda.nowMs} ${ok ? 'ok' : 'error'}`) });
    });
    return this;
  }

  changeAt(atMs: number, condition: Parameters<SimHost['change']>[0]): this {
    this.agenda.at(atMs, () => this.host.change(condition, this.agenda.nowMs));
    return this;
  }

  run(): readonly string[] {
    this.agenda.run();
    return this.answers;
  }
}

describe('service', () => {
  test('one worker serves one call after the other, in the order in which they came', () => {
    expect(new HostWorld({}).callAt(0).callAt(1, 2).callAt(2).run()).toEqual(['10 ok', '30 ok', '40 ok']);
  });

  test('two workers serve two at a time', () => {
    expect(new HostWorld({ workers: 2 }).callAt(0).callAt(0).callAt(0).run()).toEqual(['10 ok', '10 ok', '20 ok']);
  });

  test('a call that finds the line full is refused at once', () => {
    expect(new HostWorld({ queueLimit: 1 }).callAt(0).callAt(1).callAt(2).run()).toEqual(['2 error', '10 ok', '20 ok']);
  });

  test('a call errs where its luck is below the error rate, and then costs only a part of its work', () => {
    const world = new HostWorld({ condition: { ...WELL, errorRate: 0.3, errorWork: 0.2 } });
    expect(world.callAt(0, 1, 0.29).callAt(100, 1, 0.3).run()).toEqual(['2 error', '110 ok']);
  });

  test('busy time is the time in service', () => {
    const world = new HostWorld({});
    world.callAt(0).callAt(50, 3).run();
    expect(world.host.busyMs).toBe(40);
  });
});

describe('conditions', () => {
  test('a slow host takes longer for calls that begin then', () => {
    const world = new HostWorld({}).callAt(0).changeAt(5, { slowness: 4 }).callAt(20).changeAt(100, { slowness: 1 }).callAt(100);
    expect(world.run()).toEqual(['10 ok', '60 ok', '110 ok']);
  });

  test('a cold host gets faster in a straight line', () => {
    const world = new HostWorld({}).changeAt(0, { slowness: { from: 5, to: 1, overMs: 1_000 } });
    world.callAt(0).callAt(500).callAt(1_000);
    expect(world.run()).toEqual(['50 ok', '530 ok', '1010 ok']);
  });

  test('a host that begins to refuse breaks the connections of the calls inside, and refuses new ones', () => {
    const world = new HostWorld({}).callAt(0).callAt(1).changeAt(5, { availability: 'refusing' }).callAt(6);
    expect(world.run()).toEqual(['5 error', '5 error', '6 error']);
  });

  test('a host that falls silent answers neither the calls inside nor new ones', () => {
    expect(new HostWorld({}).callAt(0).callAt(1).changeAt(5, { availability: 'silent' }).callAt(6).run()).toEqual([]);
  });

  test('a host that comes back begins empty', () => {
    const world = new HostWorld({}).callAt(0).callAt(1).callAt(2);
    world.changeAt(5, { availability: 'silent' }).changeAt(8, { availability: 'up' }).callAt(8);
    expect(world.run()).toEqual(['18 ok']);
  });
});

describe('what the oracle is told', () => {
  test('nobody waits while a worker is free', () => {
    const world = new HostWorld({ workers: 2 }).callAt(0);
    world.agenda.at(1, () => expect(world.host.expectedWaitMs(1)).toBe(0));
    expect(world.run()).toHaveLength(1);
  });

  test('the wait is the work that is left in service, in line and under way, shared by the workers', () => {
    const world = new HostWorld({ workers: 2 }).callAt(0, 1).callAt(0, 3).callAt(1, 2);
    const waits: number[] = [];
    world.agenda.at(4, () => {
      waits.push(world.host.expectedWaitMs(4));
      world.host.expect();
      waits.push(world.host.expectedWaitMs(4));
    });
    world.run();
    expect(waits).toEqual([(6 + 26 + 20) / 2, (6 + 26 + 20 + 10) / 2]);
  });
});
