/** The load generator in C, as the load of a contender: it connects before the measurement, and its connections end after it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender } from '../../cli/src/bench/in-turn.ts';
import { LatencyHistogram } from '../../cli/src/bench/latency-histogram.ts';
import type { LoadResult } from '../../cli/src/bench/load-result.ts';

export interface LoadShape {
  readonly mode: 'echo' | 'short' | 'bulk' | 'paced' | 'mixed' | 'idle';
  readonly connections: number;
  readonly seconds: number;
  /** Requests a second of `paced`, connections a second of `mixed`. */
  readonly rate?: number;
  /** CPU time that a slow request of `mixed` takes, ms. */
  readonly costMs?: number;
}

export interface Target {
  readonly port: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
}

interface Counted {
  readonly done: number;
  readonly lost: number;
  readonly seconds: number;
  /** Of `mixed`: how far the fullest worker is above the mean, as a share of it. */
  readonly spread: number;
  /** Microseconds, and how often. */
  readonly latencies: readonly (readonly [number, number])[];
}

const START_TIMEOUT_MS = 60_000;
/** How long the first stint is at least, which does not count: each thread of a server compiles its code anew. */
const WARM_UP_SECONDS = 3;
const RETRY_MS = 100;
const RETRIES = 100;

/** A stint of load that has connected and waits to begin. */
class PreparedLoad {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  static async start(
    program: string,
    { port, host = '127.0.0.1' }: Target,
    shape: LoadShape,
    tells = true,
  ): Promise<PreparedLoad> {
    const { mode, connections, seconds, rate = 0, costMs = 0 } = shape;
    const args = [mode, host, port, connections, Math.round(seconds * 1_000), rate, costMs].map(String);
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', tells ? 'inherit' : 'ignore'],
      timeout: START_TIMEOUT_MS + seconds * 1_000,
    });
    child.stdin?.on('error', () => undefined);
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    if (value !== 'ready') throw new Error(`load ${args.join(' ')}: it did not come to its start`);
    return new PreparedLoad(child, lines);
  }

  async run(): Promise<Counted> {
    this.#child.stdin?.write('\n');
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error('the load generator ended without a result');
    return JSON.parse(value) as Counted;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await exited;
  }
}

/** The contender that this load is put on. */
export function loadedContender(
  program: string,
  { name, pid }: Pick<Contender, 'name' | 'pid'>,
  target: Target,
  shape: LoadShape,
  warmUpSeconds = WARM_UP_SECONDS,
): Contender {
  let prepared: PreparedLoad | undefined;
  return {
    name,
    pid,
    prepare: async () => {
      const isFirst = prepared === undefined;
      await prepared?.end();
      const seconds = isFirst ? Math.max(shape.seconds, warmUpSeconds) : shape.seconds;
      prepared = await PreparedLoad.start(program, target, { ...shape, seconds });
    },
    load: async () => resultOf((await prepared?.run()) as Counted, prepared as PreparedLoad),
  };
}

/** Holds idle connections, each of which has had one answer, while `work` runs. */
export async function withIdleConnections<T>(
  program: string,
  target: Target,
  connections: number,
  work: () => Promise<T>,
): Promise<T> {
  const load = await PreparedLoad.start(program, target, { mode: 'idle', connections, seconds: 0 });
  try {
    return await work();
  } finally {
    await load.end();
  }
}

/** Resolves when a connection is answered. */
export async function untilServed(program: string, target: Target): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const load = await PreparedLoad.start(program, target, { mode: 'idle', connections: 8, seconds: 0 }, false);
      return await load.end();
    } catch (error) {
      if (attempt >= RETRIES) throw error;
      await sleep(RETRY_MS);
    }
  }
}

function resultOf({ done, lost, seconds, spread, latencies }: Counted, prepared: PreparedLoad): LoadResult {
  const latency = new LatencyHistogram();
  for (const [us, times] of latencies) latency.record(us / 1_000, times);
  // The CPU time is read before the connections end.
  setImmediate(() => void prepared.end());
  return { done, lost, seconds, latency, counts: { spread, rounds: 1 } };
}
