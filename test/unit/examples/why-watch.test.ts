import { describe, expect, test } from 'vitest';
import { type HostLook, stateWords } from '../../../examples/demo/host-look.ts';
import { WhyWatch } from '../../../examples/demo/why-watch.ts';

const A = '127.0.0.1:4001';
const look = (state: string, numbers = {}, host = A): HostLook => ({ host, state, numbers });

describe('a watch over the /why page', () => {
  test('keeps the last look while the server was down, and the first when it has calls again', async () => {
    const pages = [
      look('healthy', { n: 1 }),
      look('ejected', { n: 2 }),
      look('ejected', { n: 3 }),
      look('ejected', { n: 4 }),
      look('probation', { n: 5 }),
      look('healthy', { n: 6 }),
    ];
    const down = [false, true, true, false, false, false];
    const watch = new WhyWatch(async () => [look('healthy', {}, 'other:80'), pages.shift() as HostLook], A);
    for (const isDown of down) await watch.look(isDown);
    expect(watch.whileDown).toEqual(look('ejected', { n: 3 }));
    expect(watch.whenBack).toEqual(look('probation', { n: 5 }));
    expect(watch.latest.map(({ state }) => state)).toEqual(['healthy', 'healthy']);
  });

  test('asks one question at a time, and a page that cannot be had changes nothing', async () => {
    const { promise, reject } = Promise.withResolvers<readonly HostLook[]>();
    let asked = 0;
    const watch = new WhyWatch(() => {
      asked += 1;
      return asked === 1 ? promise : Promise.resolve([look('healthy')]);
    }, A);
    const first = watch.look(true);
    await watch.look(true);
    expect(asked).toBe(1);
    reject(new Error('the agent stops'));
    await first;
    expect(watch.latest).toEqual([]);
    await watch.look(true);
    expect(watch.whileDown?.state).toBe('healthy');
  });
});

test.each([
  [look('healthy', { probeInMs: 3 }), ''],
  [look('healthy', { probeInMs: 3 }), ''],
  [look('ejected', { probeInMs: 2_001 }), 'ejected, probe in 3 s'],
  [look('ejected', { errRun: 3 }), 'ejected'],
  [look('probation'), 'probation'],
])('a state stands beside its host: %j', (one, words) => {
  expect(stateWords(one)).toBe(words);
});
