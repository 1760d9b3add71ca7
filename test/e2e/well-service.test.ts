/** A service that is well is refused nothing: real servers, which err now and then as every service does, and an agent with its threads. */
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { LarsClient, LarsError, type LarsHost } from '@lars/client-sdk';
import { afterEach, expect, test } from 'vitest';
import { hostInfo } from '../support/agent-messages.ts';
import { testSeed } from '../support/seeded-random.ts';
import { type AgentWorld, CleanUps, startWorld } from './agent-world.ts';
import { startWellServers, WORKED_MS_HEADER } from './well-servers.ts';

/** The fewer hosts, the more of the calls are refused when one of them is wrongly taken for overloaded. */
const SERVICE = { hosts: 2, answerMs: 10, errorRate: 0.005 };
const IP = 0x7f00_0001;
const RATE_PER_SECOND = 300;
const SECONDS = 20;
/** The first calls of a process take long, and beside those no error of the next thousands of calls would seem slow to the agent. */
const WARM_UP_SECONDS = 2;
/** So many calls at a time at most: on a machine that does not keep up there are fewer, which do not make it worse. */
const CALLERS = 16;
/** A machine that is busy with other things may leave this process without a turn for a second. */
const PATIENT_MS = 15_000;

interface Variant {
  readonly name: string;
  readonly cache: boolean;
  /**
   * Callers tell how long the server says that it worked: that is constant. A busy machine spreads what they could measure, and how an
   * agent takes constant durations would be left to chance. Where nothing is told, the agent has that spread in what it infers.
   */
  readonly tellsDurations: boolean;
  /** Each is served by another shard of the agent. */
  readonly modid: number;
}

const VARIANTS: readonly Variant[] = [
  { name: "with the SDK's cache", cache: true, tellsDurations: true, modid: 3 },
  { name: 'each call asked for', cache: false, tellsDurations: true, modid: 1 },
  { name: 'durations never told', cache: false, tellsDurations: false, modid: -1 },
];
const CMDID = 0;
/** Served by the same shard, and what the agent learns of it touches no other module. */
const WARM_UP_CMDID = 3;

/** How the calls of a variant went. */
interface Score {
  calls: number;
  erred: number;
  /** The agent answered OVERLOAD. */
  refused: number;
  /** Any other LarsError, such as no answer in time: that tells of the machine, not of the agent's choices. */
  other: number;
}

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

test(`no call of a service that is well is refused, in ${SECONDS} s of steady calls`, { timeout: 90_000 }, async () => {
  const seed = testSeed();
  const world = await startWorld(cleanUps, 'ours');
  const callings = await Promise.all(VARIANTS.map((variant, index) => prepared(world, variant, seed + index * SERVICE.hosts)));
  await Promise.all(callings.map(calling => calling.run(WARM_UP_CMDID, WARM_UP_SECONDS)));
  const scores = await Promise.all(callings.map(calling => calling.run(CMDID, SECONDS)));

  const refused = scores.map(score => score.refused);
  const told = `${VARIANTS.map(({ name }, i) => `${name}: ${JSON.stringify(scores[i])}`).join('; ')}; LARS_TEST_SEED=${seed} errs alike`;
  expect(refused, told).toEqual([0, 0, 0]);
  // Otherwise nothing was shown: calls were made, and some of each variant erred.
  for (const { calls, erred } of scores) {
    expect(calls, told).toBeGreaterThan((RATE_PER_SECOND * SECONDS) / 10);
    expect(erred, told).toBeGreaterThan(0);
  }
});

/** Servers that are a route of the agent, and who calls them. */
async function prepared(world: AgentWorld, variant: Variant, seed: number): Promise<Callers> {
  const { modid, cache } = variant;
  const ports = await startWellServers(cleanUps, { ...SERVICE, seed });
  const route = ports.map(port => hostInfo(port, { ip: IP }));
  const client = new LarsClient({ ports: world.agent.udpPorts, timeoutMs: PATIENT_MS, cache });
  cleanUps.add(() => client.close());
  for (const cmdid of [WARM_UP_CMDID, CMDID]) {
    world.dns.setRoute(modid, cmdid, route);
    await client.register(modid, cmdid, { timeoutMs: PATIENT_MS });
  }
  const http = new Agent({ keepAlive: true });
  cleanUps.add(() => http.destroy());
  return new Callers(client, variant, http);
}

class Callers {
  readonly #client: LarsClient;
  readonly #variant: Variant;
  readonly #http: Agent;

  constructor(client: LarsClient, variant: Variant, http: Agent) {
    this.#client = client;
    this.#variant = variant;
    this.#http = http;
  }

  /** Calls at equal distances in time; what nobody was free to call in time is left out, not made up for. */
  async run(cmdid: number, seconds: number): Promise<Score> {
    const score: Score = { calls: 0, erred: 0, refused: 0, other: 0 };
    const endMs = performance.now() + seconds * 1_000;
    let nextMs = 0;
    const callInTurn = async () => {
      for (;;) {
        const nowMs = performance.now();
        const turnMs = Math.max(nextMs, nowMs);
        if (turnMs >= endMs) return;
        nextMs = turnMs + 1_000 / RATE_PER_SECOND;
        await sleep(turnMs - nowMs);
        await this.#call(cmdid, score);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, callInTurn));
    return score;
  }

  async #call(cmdid: number, score: Score): Promise<void> {
    const { modid, tellsDurations } = this.#variant;
    score.calls += 1;
    try {
      const host = await this.#client.getHost(modid, cmdid);
      const { ok, workedMs } = await this.#ask(host);
      if (!ok) score.erred += 1;
      this.#client.report(host, tellsDurations ? { ok, tcostMs: workedMs } : { ok });
    } catch (error) {
      if (!(error instanceof LarsError)) throw error;
      if (error.code === 'LARS_OVERLOAD') score.refused += 1;
      else score.other += 1;
    }
  }

  async #ask({ host, port }: LarsHost): Promise<{ readonly ok: boolean; readonly workedMs: number }> {
    const asked = request({ host, port, agent: this.#http }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { ok: response.statusCode === 200, workedMs: Number(response.headers[WORKED_MS_HEADER]) };
  }
}
