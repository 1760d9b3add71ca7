/** A process that calls at a steady rate, whatever happens: node caller.ts OPTIONS. It speaks with the soak by messages. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { LarsClient, LarsError, type LarsHost } from '@lars/client-sdk';
import { knowRoute } from '../../test/support/know-route.ts';
import { type CallerOptions, type FromCaller, MODIDS, type RoundCounts, type ToCaller } from './caller-messages.ts';

const TICK_MS = 20;
const CALL_MS = 2_000;
/** Calls beyond these are not begun: a host that hangs must not fill the memory of the caller. */
const MAX_IN_FLIGHT = 1_000;
/** For so long the caller waits at its end until all its results are sent. */
const UNSENT_MS = 10_000;
const REGISTER_MS = 20_000;

class Caller {
  readonly #client: LarsClient;
  readonly #connections = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #rounds: RoundCounts[] = [];
  readonly #perTick: number;
  /** When the last host of each module of this round came. */
  readonly #lastHostMs = new Map<number, number>();
  #inFlight = 0;
  #turn = 0;
  #owed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ udpPort, cache, callsPerSec }: CallerOptions) {
    this.#client = new LarsClient({ ports: udpPort, cache });
    this.#perTick = (callsPerSec * TICK_MS) / 1_000;
  }

  async beginRound(round: number): Promise<void> {
    const counts: RoundCounts = { round, calls: 0, noHost: {}, accepted: {}, longestOutageMs: 0 };
    for (const modid of MODIDS) {
      counts.accepted[modid] = { succ: 0, err: 0 };
      await knowRoute(this.#client, modid, round, REGISTER_MS).catch(error => noteNoHost(counts, error));
    }
    for (const modid of MODIDS) this.#lastHostMs.set(modid, performance.now());
    this.#rounds.push(counts);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  async stop(): Promise<FromCaller> {
    clearInterval(this.#timer);
    while (this.#inFlight > 0) await sleep(TICK_MS);
    const deadlineMs = performance.now() + UNSENT_MS;
    while (performance.now() < deadlineMs && this.#client.stats().unsentResults + this.#client.stats().held > 0)
      await sleep(TICK_MS);
    const { droppedResults } = this.#client.stats();
    await this.#client.close();
    this.#connections.destroy();
    return { type: 'counts', rounds: this.#rounds, droppedResults };
  }

  #tick(): void {
    const counts = this.#rounds.at(-1);
    if (counts === undefined) return;
    this.#owed += this.#perTick;
    for (; this.#owed >= 1; this.#owed -= 1) if (this.#inFlight < MAX_IN_FLIGHT) void this.#call(counts);
  }

  async #call(counts: RoundCounts): Promise<void> {
    const modid = MODIDS[this.#turn++ % MODIDS.length] as number;
    this.#inFlight += 1;
    counts.calls += 1;
    try {
      const host = await this.#client.getHost(modid, counts.round);
      this.#noteHost(counts, modid);
      const beganMs = performance.now();
      const ok = await this.#ask(host);
      this.#client.report(host, { ok, tcostMs: performance.now() - beganMs });
      (counts.accepted[modid] as { succ: number; err: number })[ok ? 'succ' : 'err'] += 1;
    } catch (error) {
      noteNoHost(counts, error);
    } finally {
      this.#inFlight -= 1;
    }
  }

  #noteHost(counts: RoundCounts, modid: number): void {
    if (counts !== this.#rounds.at(-1)) return;
    const nowMs = performance.now();
    counts.longestOutageMs = Math.max(counts.longestOutageMs, nowMs - (this.#lastHostMs.get(modid) ?? nowMs));
    this.#lastHostMs.set(modid, nowMs);
  }

  /** Whether the host answered well. */
  #ask({ host, port }: LarsHost): Promise<boolean> {
    return new Promise(resolve => {
      const asked = request({ host, port, agent: this.#connections, signal: AbortSignal.timeout(CALL_MS) }, response => {
        response.resume();
        response.once('end', () => resolve(response.statusCode === 200));
        response.once('error', () => resolve(false));
      });
      asked.once('error', () => resolve(false));
      asked.end();
    });
  }
}

function noteNoHost(counts: RoundCounts, error: unknown): void {
  const code = error instanceof LarsError ? error.code : String(error);
  counts.noHost[code] = (counts.noHost[code] ?? 0) + 1;
}

const caller = new Caller(JSON.parse(process.argv[2] ?? '') as CallerOptions);
const tell = (message: FromCaller) => process.send?.(message);
process.on('message', async (message: ToCaller) => {
  if (message.type === 'round') {
    await caller.beginRound(message.round);
    tell({ type: 'calling', round: message.round });
  } else {
    // It is at its end when the message has left.
    process.send?.(await caller.stop(), () => process.disconnect?.());
  }
});
// A soak that was killed leaves no callers behind.
process.once('disconnect', () => process.exit());
