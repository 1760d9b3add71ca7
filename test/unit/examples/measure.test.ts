import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShareWatch, SlidingShares } from '../../../examples/demo/measure.ts';

const HOSTS = 3;
const WINDOW_MS = 1_000;

describe('a share over a sliding window', () => {
  test('is unknown while there is no call', () => {
    const shares = new SlidingShares(HOSTS, WINDOW_MS);
    expect(shares.share(0, 0)).toBeUndefined();
    shares.add(0, 0);
    expect(shares.share(0, WINDOW_MS + 1)).toBeUndefined();
  });

  test('counts a call until it is older than the window', () => {
    const shares = new SlidingShares(HOSTS, WINDOW_MS);
    shares.add(0, 0);
    shares.add(1, 600);
    expect(shares.share(0, WINDOW_MS)).toBe(0.5);
    expect(shares.share(0, WINDOW_MS + 1)).toBe(0);
    expect(shares.share(1, WINDOW_MS + 1)).toBe(1);
  });

  test('is what counting all calls anew gives, at every moment', () => {
    const gaps = fc.array(fc.record({ host: fc.nat(HOSTS - 1), gapMs: fc.nat(WINDOW_MS * 1.5) }), { maxLength: 200 });
    fc.assert(
      fc.property(gaps, calls => {
        const shares = new SlidingShares(HOSTS, WINDOW_MS);
        const all: { host: number; atMs: number }[] = [];
        let nowMs = 0;
        for (const { host, gapMs } of calls) {
          nowMs += gapMs;
          shares.add(host, nowMs);
          all.push({ host, atMs: nowMs });
          const inWindow = all.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
          expect(shares.total(nowMs)).toBe(inWindow.length);
          for (let which = 0; which < HOSTS; which += 1) {
            const expected = inWindow.filter(call => call.host === which).length / inWindow.length;
            expect(shares.share(which, nowMs)).toBe(expected);
          }
        }
      }),
    );
  });
});

describe('the watch over a trouble', () => {
  const USUAL = 0.25;
  const NONE = { belowHalfMs: undefined, belowQuarterMs: undefined, lowestShare: undefined, backMs: undefined };

  /** Shares as they are seen at moments since the trouble's begin at 10,000, and since its end at 50,000. */
  function watched(troubled: readonly [ms: number, share: number][], afterwards: readonly [ms: number, share: number][] = []) {
    const watch = new ShareWatch(USUAL, 10_000);
    for (const [ms, share] of troubled) watch.observe(share, 10_000 + ms);
    if (afterwards.length === 0) return watch.numbers;
    watch.troubleEnded(50_000);
    for (const [ms, share] of afterwards) watch.observe(share, 50_000 + ms);
    return watch.numbers;
  }

  test('at its begin has seen nothing', () => expect(watched([])).toEqual(NONE));

  test('a share at its limit is not below it', () => {
    expect(watched([[100, USUAL / 2]])).toEqual({ ...NONE, lowestShare: USUAL / 2 });
    expect(watched([[100, USUAL / 4]])).toMatchObject({ belowHalfMs: 100, belowQuarterMs: undefined });
  });

  test('takes the first time of each limit', () => {
    const numbers = watched([
      [0, 0.25],
      [300, 0.12],
      [400, 0.2],
      [500, 0.11],
      [900, 0.06],
      [950, 0.01],
    ]);
    expect(numbers).toEqual({ belowHalfMs: 300, belowQuarterMs: 900, lowestShare: 0.01, backMs: undefined });
  });

  test('a share that comes back while the trouble lasts is not yet back', () => {
    expect(watched([[800, 0.25]]).backMs).toBeUndefined();
  });

  test('back is above half of the usual share, counted from the end', () => {
    const numbers = watched(
      [[900, 0]],
      [
        [0, 0],
        [200, USUAL / 2],
        [700, 0.13],
        [800, 0.25],
      ],
    );
    expect(numbers).toEqual({ belowHalfMs: 900, belowQuarterMs: 900, lowestShare: 0, backMs: 700 });
  });

  test('a share that never was below half of the usual one is not back either', () => {
    expect(watched([[900, 0.2]], [[100, 0.25]]).backMs).toBeUndefined();
  });

  test('an unknown share says nothing', () => {
    const watch = new ShareWatch(USUAL, 0);
    watch.observe(undefined, 100);
    expect(watch.numbers).toEqual(NONE);
  });
});
