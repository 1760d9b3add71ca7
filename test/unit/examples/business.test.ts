import { type CallFunction, type CallOptions, LarsHost } from '@lars/client-sdk';
import { parseHost } from '@lars/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { Business } from '../../../examples/demo/business.ts';
import { type Behaviour, type HttpFleet, startFleet } from '../../../examples/demo/http-fleet.ts';
import { seededRandom } from '../../../examples/demo/random.ts';
import type { EndedCall } from '../../../examples/demo/trouble-record.ts';
import { WELL } from '../../../examples/demo/troubles.ts';

let fleet: HttpFleet | undefined;
let business: Business | undefined;
afterEach(async () => {
  await business?.giveUp();
  await fleet?.stop();
});

/** What LarsClient.call would hear, and what the scoreboard would. */
class Witness {
  readonly heard: boolean[] = [];
  readonly ended: EndedCall[] = [];
  inFlight = 0;
  maxInFlight = 0;
  #host: LarsHost | undefined;

  constructor(host: LarsHost | undefined) {
    this.#host = host;
  }

  readonly client = {
    call: async <T>(_modid: number, _cmdid: number, run: CallFunction<T>, { signal }: CallOptions = {}): Promise<T> => {
      if (this.#host === undefined) throw new Error('LARS names no host');
      try {
        const result = await run(this.#host, signal ?? new AbortController().signal);
        this.heard.push(true);
        return result;
      } catch (error) {
        this.heard.push(false);
        throw error;
      }
    },
  };

  readonly observer = {
    began: () => {
      this.inFlight += 1;
      this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    },
    ended: (call: EndedCall) => {
      if (call.host !== undefined) this.inFlight -= 1;
      this.ended.push(call);
    },
  };
}

async function serverWith(behaviour: Partial<Behaviour>): Promise<LarsHost> {
  fleet = await startFleet({ hosts: 1, behaviour: { ...WELL, latencyMs: 0, ...behaviour }, random: seededRandom(1) });
  return new LarsHost(1, 2, { ...parseHost(fleet.hosts[0]?.authority ?? ''), weight: 0, zone: '', drain: false });
}

function startBusiness(witness: Witness, callers = 3): Business {
  const { client, observer } = witness;
  const timing = { ratePerSecond: 2_000, timeoutMs: 10_000, nowMs: () => performance.now() };
  business = new Business({ client, modid: 1, cmdid: 2, callers, observer, ...timing });
  return business;
}

describe('business code', () => {
  test('keeps its callers busy, each with one call at a time', async () => {
    const host = await serverWith({ latencyMs: 5 });
    const witness = new Witness(host);
    startBusiness(witness);
    await expect.poll(() => witness.ended.length).toBeGreaterThan(20);
    expect(witness.maxInFlight).toBe(3);
    expect(witness.ended.every(({ host: called, ok }) => ok && called === host.authority)).toBe(true);
  });

  test('tells when each call began and ended', async () => {
    const witness = new Witness(await serverWith({ latencyMs: 20 }));
    const startMs = performance.now();
    const running = startBusiness(witness, 1);
    await expect.poll(() => witness.ended.length).toBeGreaterThan(3);
    await running.stop();
    let lastMs = startMs;
    for (const { beganMs, endedMs } of witness.ended) {
      expect(beganMs).toBeGreaterThanOrEqual(lastMs);
      // No answer takes less than half of the latency; a timer of Node may be up to a millisecond early by this clock.
      expect(endedMs).toBeGreaterThan(beganMs + 9);
      lastMs = endedMs;
    }
    expect(lastMs).toBeLessThanOrEqual(performance.now());
  });

  test('when it is stopped, begins nothing more and ends what it began', async () => {
    const witness = new Witness(await serverWith({ latencyMs: 20 }));
    const running = startBusiness(witness);
    await expect.poll(() => witness.inFlight).toBe(3);
    await running.stop();
    expect(witness.inFlight).toBe(0);
    expect(witness.heard.every(ok => ok)).toBe(true);
    const { length } = witness.ended;
    expect(fleet?.hosts[0]?.requests).toBe(length);
  });

  test('when it gives up, the calls in flight end at once', async () => {
    const witness = new Witness(await serverWith({ latencyMs: 60_000 }));
    const running = startBusiness(witness);
    await expect.poll(() => witness.inFlight).toBe(3);
    await running.giveUp();
    expect(witness.ended.map(({ ok }) => ok)).toEqual([false, false, false]);
  });

  test('an answer with an error status is a failure, for LARS too', async () => {
    const witness = new Witness(await serverWith({ errorRate: 1 }));
    const running = startBusiness(witness);
    await expect.poll(() => witness.ended.length).toBeGreaterThan(3);
    await running.stop();
    expect(witness.heard).toEqual(witness.ended.map(() => false));
    expect(witness.ended.every(({ ok }) => !ok)).toBe(true);
  });

  test('a call for which LARS names no host is a failure of no host', async () => {
    const witness = new Witness(undefined);
    startBusiness(witness);
    await expect.poll(() => witness.ended.length).toBeGreaterThan(3);
    expect(witness.ended[0]).toMatchObject({ host: undefined, ok: false });
  });
});
