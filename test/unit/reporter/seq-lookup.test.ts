import { Backoff } from '@lars/runtime/backoff';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SeqLookup } from '../../../reporter/src/ingest/seq-lookup.ts';
import { OperationHealth } from '../../../reporter/src/store/operation-health.ts';
import { recordingLog } from '../../support/recording-log.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function world() {
  const asked: (readonly string[])[] = [];
  const state = { failing: false };
  const lookup = new SeqLookup({
    store: {
      lastSeqs: async agents => {
        asked.push(agents);
        if (state.failing) throw new Error('no answer');
        return new Map(agents.filter(agent => agent !== 'unknown').map(agent => [agent, agent.length]));
      },
      lastHeard: async () => new Map(),
    },
    backoff: new Backoff(1_000, 10_000, () => 0.5),
    health: new OperationHealth({ what: 'looking up', log: recordingLog().log, onFailed: () => {} }),
  });
  const answers: [string, number][] = [];
  const find = (agent: string) => lookup.find(agent, seq => answers.push([agent, seq]));
  return { lookup, asked, state, answers, find };
}

describe('looking up agents', () => {
  test('each gets what the store has, 0 where it has nothing', async () => {
    const { answers, find } = world();
    for (const agent of ['a', 'bcd', 'unknown']) find(agent);
    await vi.advanceTimersByTimeAsync(0);
    expect(answers).toEqual([
      ['a', 1],
      ['bcd', 3],
      ['unknown', 0],
    ]);
  });

  test('who asks about the same agent meanwhile gets the same answer', async () => {
    const { asked, answers, find } = world();
    for (const agent of ['a', 'bb', 'a', 'bb']) find(agent);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual([['a'], ['bb']]);
    expect(answers).toEqual([
      ['a', 1],
      ['a', 1],
      ['bb', 2],
      ['bb', 2],
    ]);
    find('a');
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(3);
  });

  test('many are asked for at a time, but not all', async () => {
    const { asked, answers, find } = world();
    for (let i = 0; i < 1_200; i++) find(`agent-${i}`);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked.map(agents => agents.length)).toEqual([1, 500, 500, 199]);
    expect(answers).toHaveLength(1_200);
  });

  test('a store that fails is asked again, later and later', async () => {
    const { asked, state, answers, find } = world();
    state.failing = true;
    find('a');
    await vi.advanceTimersByTimeAsync(499);
    find('bb');
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual([['a'], ['a', 'bb']]);
    state.failing = false;
    await vi.advanceTimersByTimeAsync(999);
    expect(answers).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(answers).toEqual([
      ['a', 1],
      ['bb', 2],
    ]);
  });

  test('a store that fails anew, after it has answered, is asked again as soon as the first time', async () => {
    const { asked, state, answers, find } = world();
    state.failing = true;
    find('a');
    await vi.advanceTimersByTimeAsync(30_000);
    state.failing = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(answers).toEqual([['a', 1]]);
    state.failing = true;
    asked.length = 0;
    find('bb');
    await vi.advanceTimersByTimeAsync(500);
    expect(asked).toEqual([['bb'], ['bb']]);
  });

  test('nothing is asked or answered after the stop', async () => {
    const { lookup, asked, state, answers, find } = world();
    state.failing = true;
    find('a');
    await vi.advanceTimersByTimeAsync(1);
    lookup.stop();
    expect(vi.getTimerCount()).toBe(0);
    find('bb');
    await vi.advanceTimersByTimeAsync(100_000);
    expect(asked).toEqual([['a']]);
    expect(answers).toEqual([]);
  });
});
