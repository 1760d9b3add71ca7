import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type Behaviour, type HttpFleet, startFleet } from '../../../examples/demo/http-fleet.ts';
import { seededRandom } from '../../../examples/demo/random.ts';
import { WELL } from '../../../examples/demo/troubles.ts';

let fleet: HttpFleet | undefined;
afterEach(() => fleet?.stop());

async function oneHost(behaviour: Partial<Behaviour>, random: () => number = seededRandom(1)) {
  fleet = await startFleet({ hosts: 1, behaviour: { ...WELL, ...behaviour }, random });
  const host = fleet.hosts[0];
  if (host === undefined) throw new Error('the fleet has no host');
  return host;
}

describe('a server of the fleet', () => {
  test('answers with its authority', async () => {
    fleet = await startFleet({ hosts: 3, behaviour: { ...WELL, latencyMs: 0 }, random: seededRandom(1) });
    for (const host of fleet.hosts) {
      const response = await fetch(`http://${host.authority}/`);
      expect(await response.text()).toBe(`${host.authority}\n`);
      expect(host.requests).toBe(1);
    }
    expect(new Set(fleet.hosts.map(({ port }) => port)).size).toBe(3);
  });

  test('refuses connections while it is stopped, and is at the same port again afterwards', async () => {
    const host = await oneHost({ latencyMs: 0, errorRate: 0 });
    const { port } = host;
    for (let round = 0; round < 3; round += 1) {
      expect((await fetch(`http://${host.authority}/`)).status).toBe(200);
      await host.stop();
      expect(host.running).toBe(false);
      await expect(once(connect(port, host.ip), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await host.start();
      expect(host.running).toBe(true);
      expect(host.port).toBe(port);
    }
  });

  test('cuts the requests that it has not answered when it is stopped', async () => {
    const host = await oneHost({ latencyMs: 60_000, errorRate: 0 });
    const call = expect(fetch(`http://${host.authority}/`)).rejects.toMatchObject({ cause: { code: 'UND_ERR_SOCKET' } });
    await expect.poll(() => host.requests).toBe(1);
    await host.stop();
    await call;
  });

  test('started or stopped twice, it is as started or stopped once', async () => {
    const host = await oneHost({ latencyMs: 0, errorRate: 0 });
    await host.start();
    expect((await fetch(`http://${host.authority}/`)).status).toBe(200);
    await Promise.all([host.stop(), host.stop()]);
    await host.stop();
  });

  test('does not tell its callers that it will end idle connections', async () => {
    const host = await oneHost({ latencyMs: 0, errorRate: 0 });
    const response = await fetch(`http://${host.authority}/`);
    expect(response.headers.get('connection')).toBe('keep-alive');
    expect(response.headers.get('keep-alive')).toBeNull();
  });

  test.each([
    [0.5, 29],
    [0, 59],
  ])('answers no sooner than its latency less its spread of %f', async (spread, leastMs) => {
    const host = await oneHost({ latencyMs: 60, spread, errorRate: 0 }, () => 0);
    const startMs = performance.now();
    await fetch(`http://${host.authority}/`);
    // A timer of Node may be up to a millisecond early by this clock.
    expect(performance.now() - startMs).toBeGreaterThan(leastMs);
  });

  test('fails the share of requests that it is told to, from the next one on', async () => {
    const host = await oneHost({ latencyMs: 0, errorRate: 0 });
    const failuresOf = async (requests: number) => {
      let failures = 0;
      for (let i = 0; i < requests; i += 1) if ((await fetch(`http://${host.authority}/`)).status === 500) failures += 1;
      return failures;
    };
    expect(await failuresOf(20)).toBe(0);
    host.behave({ errorRate: 0.3 });
    const failures = await failuresOf(200);
    expect(failures).toBeGreaterThan(30);
    expect(failures).toBeLessThan(90);
    host.behave({ errorRate: 1 });
    expect(await failuresOf(5)).toBe(5);
  });
});

describe('a server that works at one request at a time', () => {
  test('lets the others wait, and an aborted one gives its place to the next', async () => {
    const host = await oneHost({ latencyMs: 60_000, slots: 1 });
    const first = new AbortController();
    const second = new AbortController();
    const call = (signal: AbortSignal | null) => fetch(`http://${host.authority}/`, { signal });
    const aborted = [first, second].map(({ signal }) => expect(call(signal)).rejects.toMatchObject({ name: 'AbortError' }));
    await expect.poll(() => host.requests).toBe(2);
    // Whoever gets the slot from now on is answered soon, but those before hold it or wait for it.
    host.behave({ latencyMs: 0 });
    let answered = false;
    const third = call(null).then(({ status }) => {
      answered = true;
      return status;
    });
    await expect.poll(() => host.requests).toBe(3);
    expect(host.waiting).toBe(2);
    second.abort();
    await expect.poll(() => host.waiting).toBe(1);
    expect(answered).toBe(false);
    first.abort();
    expect(await third).toBe(200);
    expect(host.waiting).toBe(0);
    await Promise.all(aborted);
  });

  test('works at all that wait when it is told to', async () => {
    const host = await oneHost({ latencyMs: 60_000, slots: 1 });
    const calls = [1, 2, 3].map(() => fetch(`http://${host.authority}/`).catch(() => undefined));
    await expect.poll(() => host.waiting).toBe(2);
    host.behave({ slots: 2 });
    expect(host.waiting).toBe(1);
    host.behave({ slots: Number.POSITIVE_INFINITY });
    expect(host.waiting).toBe(0);
    await host.stop();
    await Promise.all(calls);
  });
});

test('a seed gives the same numbers again, another seed others', () => {
  const take = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
  expect(take(7)).toEqual(take(7));
  expect(take(8)).not.toEqual(take(7));
  const many = Array.from({ length: 10_000 }, seededRandom(7));
  expect(many.every(value => value >= 0 && value < 1)).toBe(true);
  expect(many.reduce((sum, value) => sum + value) / many.length).toBeCloseTo(0.5, 1);
});
