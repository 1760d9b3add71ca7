import { LarsError, type LarsErrorCode, LarsHost } from '@lars/client-sdk';
import { parseHost } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFailureRate } from '../../../cli/src/simulate/failure-rates.ts';
import { runSimulation, type SimulationDeps, type SimulationPlan } from '../../../cli/src/simulate/run-simulation.ts';
import { Tally } from '../../../cli/src/simulate/tally.ts';

const hostOf = (text: string) => new LarsHost(1, 1, { ...parseHost(text), weight: 0, zone: '', drain: false });
const A = hostOf('10.0.0.1:80');
const B = hostOf('10.0.0.2:80');

const plan = (changes: Partial<SimulationPlan> = {}): SimulationPlan => ({
  modid: 1,
  cmdid: 1,
  calls: 100,
  concurrency: 4,
  rate: undefined,
  failureRates: [],
  seed: 1,
  ...changes,
});

/** An agent that gives what `answer` says for the n-th request, and a clock that only pauses move. */
class FakeAgent implements SimulationDeps {
  readonly #answer: (request: number) => LarsHost | LarsErrorCode;
  readonly #ending = new AbortController();
  readonly signal = this.#ending.signal;
  readonly reports: { readonly host: string; readonly ok: boolean }[] = [];
  readonly askedAtMs: number[] = [];
  asked = 0;
  underWay = 0;
  mostUnderWay = 0;
  #nowMs = 0;

  constructor(answer: (request: number) => LarsHost | LarsErrorCode) {
    this.#answer = answer;
  }

  async getHost(): Promise<LarsHost> {
    const answer = this.#answer(this.asked);
    this.asked += 1;
    this.askedAtMs.push(this.#nowMs);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await Promise.resolve();
    this.underWay -= 1;
    if (typeof answer === 'string') throw new LarsError(answer, 'as planned');
    return answer;
  }

  report(host: LarsHost, { ok }: { readonly ok: boolean }): void {
    this.reports.push({ host: host.authority, ok });
  }

  nowMs(): number {
    return this.#nowMs;
  }

  async pause(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await Promise.resolve();
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  interrupt(): void {
    this.#ending.abort();
  }
}

describe('a simulation', () => {
  test('makes all its calls and reports each one to the host that was called', async () => {
    const agent = new FakeAgent(request => (request % 4 === 0 ? A : B));
    const tally = new Tally([A, B]);
    expect(await runSimulation(plan(), agent, tally)).toStrictEqual({ kind: 'done' });
    expect(tally.hosts).toStrictEqual([
      { host: A, calls: 25, failures: 0 },
      { host: B, calls: 75, failures: 0 },
    ]);
    expect(agent.reports.filter(({ host, ok }) => host === A.authority && ok)).toHaveLength(25);
    expect(agent.reports).toHaveLength(100);
  });

  test('lets calls to a host fail with its rate, the same ones for the same seed', async () => {
    const failuresOf = async (seed: number) => {
      const agent = new FakeAgent(request => (request % 2 === 0 ? A : B));
      const tally = new Tally([]);
      const failureRates = [parseFailureRate('10.0.0.1=0.3')];
      await runSimulation(plan({ calls: 4_000, concurrency: 1, failureRates, seed }), agent, tally);
      expect(agent.reports.filter(({ ok }) => !ok)).toHaveLength(tally.failures);
      expect(agent.reports.filter(({ ok, host }) => !ok && host === B.authority)).toHaveLength(0);
      return agent.reports.map(({ ok }) => ok);
    };
    const first = await failuresOf(7);
    expect(await failuresOf(7)).toStrictEqual(first);
    expect(await failuresOf(8)).not.toStrictEqual(first);
    expect(Math.abs(first.filter(ok => !ok).length - 600)).toBeLessThan(80);
  });

  test('which calls to a host fail does not depend on the calls to others', async () => {
    const patternOf = async (answer: (request: number) => LarsHost) => {
      const agent = new FakeAgent(answer);
      const failureRates = [parseFailureRate('10.0.0.1=0.5'), parseFailureRate('10.0.0.2=0.5')];
      await runSimulation(plan({ calls: 200, concurrency: 1, failureRates }), agent, new Tally([]));
      return agent.reports.filter(({ host }) => host === A.authority).map(({ ok }) => ok);
    };
    const alone = await patternOf(() => A);
    const mixed = await patternOf(request => (request % 3 === 0 ? A : B));
    expect(alone.slice(0, mixed.length)).toStrictEqual(mixed);
  });

  test('counts every call once, whatever the answers, and never has more in flight than planned', async () => {
    const answers = fc.array(fc.constantFrom<LarsHost | LarsErrorCode>(A, B, 'LARS_OVERLOAD'), { minLength: 1, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(
        answers,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 20 }),
        async (given, calls, concurrency) => {
          const agent = new FakeAgent(request => given[request % given.length] as LarsHost | LarsErrorCode);
          const tally = new Tally([]);
          expect(await runSimulation(plan({ calls, concurrency }), agent, tally)).toStrictEqual({ kind: 'done' });
          expect(tally.calls).toBe(calls);
          expect(agent.asked).toBe(calls);
          expect(agent.reports).toHaveLength(calls - tally.overloads);
          expect(agent.mostUnderWay).toBeLessThanOrEqual(concurrency);
        },
      ),
    );
  });

  test('spaces its calls by the rate', async () => {
    const agent = new FakeAgent(() => A);
    await runSimulation(plan({ calls: 11, rate: 20, concurrency: 1 }), agent, new Tally([]));
    expect(agent.askedAtMs).toStrictEqual([0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500]);
  });

  test('begins no further call once it is interrupted', async () => {
    const agent = new FakeAgent(request => {
      if (request === 9) agent.interrupt();
      return A;
    });
    const tally = new Tally([]);
    expect(await runSimulation(plan({ concurrency: 1 }), agent, tally)).toStrictEqual({ kind: 'interrupted' });
    expect(tally.calls).toBe(10);
  });

  test.each<LarsErrorCode>(['LARS_NO_EXIST', 'LARS_AGENT_UNREACHABLE', 'LARS_SYSTEM_ERROR'])('ends at %s', async code => {
    const agent = new FakeAgent(request => (request < 10 ? A : code));
    const tally = new Tally([]);
    const end = await runSimulation(plan({ concurrency: 1 }), agent, tally);
    expect(end).toMatchObject({ kind: 'failed', error: { code } });
    expect(tally.calls).toBe(10);
    expect(agent.asked).toBe(11);
  });

  test('bears single timeouts, but not an agent that has stopped answering', async () => {
    const hiccups = new FakeAgent(request => (request % 2 === 0 ? 'LARS_AGENT_SILENT' : A));
    const tally = new Tally([]);
    expect(await runSimulation(plan({ concurrency: 1 }), hiccups, tally)).toStrictEqual({ kind: 'done' });
    expect(tally.timeouts).toBe(50);
    const refusing = new FakeAgent(request => (request % 3 === 2 ? 'LARS_OVERLOAD' : 'LARS_AGENT_SILENT'));
    expect(await runSimulation(plan({ concurrency: 1 }), refusing, new Tally([]))).toStrictEqual({ kind: 'done' });
    const silent = new FakeAgent(() => 'LARS_AGENT_SILENT');
    expect(await runSimulation(plan({ concurrency: 4 }), silent, new Tally([]))).toMatchObject({ kind: 'failed' });
    expect(silent.asked).toBeLessThanOrEqual(3 * 4 + 4);
  });

  test('does not hide an error that is none of LARS', async () => {
    const agent = new FakeAgent(() => {
      throw new TypeError('a bug');
    });
    await expect(runSimulation(plan(), agent, new Tally([]))).rejects.toThrow('a bug');
  });
});
