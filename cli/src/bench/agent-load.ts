import { performance } from 'node:perf_hooks';
import { CommandError } from '../errors.ts';
import type { ChosenClient, DatagramClient, DatagramClients, ServerAddress } from './datagram-client.ts';
import type { ModuleFrames } from './get-host-frames.ts';
import { GetHostLoop, GetHostTally } from './get-host-loop.ts';
import { type LoadResult, Quota, type Stint } from './load-result.ts';

/** One of the agent's ports, and the modules that are asked for there. */
export interface AgentTarget extends ServerAddress {
  readonly modules: readonly ModuleFrames[];
}

export interface AgentLoadOptions {
  readonly targets: readonly AgentTarget[];
  /** To each target. */
  readonly sockets: number;
  /** On each socket. */
  readonly window: number;
  readonly reports: boolean;
  readonly client: ChosenClient;
  readonly stint: Stint;
  readonly signal: AbortSignal;
}

/** A getHost that has waited this long is lost, and another one takes its place. */
const ANSWER_TIMEOUT_MS = 1_000;
/** No answer is going to come any more. */
const SILENCE_MS = 3_000;
const TICK_MS = 20;

/**
 * Asks for hosts and reports calls over UDP, as business code does.
 * @throws {CommandError} NO_ANSWER when nothing was answered, or nothing has been for a few seconds; INTERRUPTED
 */
export async function runAgentLoad(options: AgentLoadOptions): Promise<LoadResult> {
  const lanes: Lane[] = [];
  const tally = new GetHostTally();
  const quota = new Quota(options.stint);
  const clients = options.client.create();
  try {
    for (const target of options.targets)
      for (let socket = 0; socket < options.sockets; socket++) lanes.push(await openLane(clients, options, target, quota, tally));
    const startMs = performance.now();
    for (const { loop, client } of lanes) {
      loop.begin(startMs);
      client.flush();
    }
    await untilDone(options, lanes, quota, tally, startMs);
    return resultOf(tally, startMs);
  } finally {
    clients.close();
  }
}

interface Lane {
  readonly client: DatagramClient;
  readonly loop: GetHostLoop;
}

async function openLane(
  clients: DatagramClients,
  { window, reports }: AgentLoadOptions,
  target: AgentTarget,
  quota: Quota,
  tally: GetHostTally,
): Promise<Lane> {
  let nowMs = 0;
  let loop: GetHostLoop | undefined;
  const client = await clients.open(target, {
    beforeBatch: () => {
      nowMs = performance.now();
    },
    onDatagram: (bytes, start, end) => loop?.onDatagram(bytes, start, end, nowMs),
  });
  loop = new GetHostLoop({ window, modules: target.modules, reports, answerTimeoutMs: ANSWER_TIMEOUT_MS, quota }, client, tally);
  return { client, loop };
}

/** Runs until the stint is over and nothing is in flight any more. */
function untilDone(
  { stint, signal, targets }: AgentLoadOptions,
  lanes: readonly Lane[],
  quota: Quota,
  tally: GetHostTally,
  startMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: CommandError) => {
      clearInterval(timer);
      if (error === undefined) resolve();
      else reject(error);
    };
    const tick = () => {
      const nowMs = performance.now();
      if ('seconds' in stint && nowMs - startMs >= stint.seconds * 1_000) quota.close();
      if (signal.aborted) end(new CommandError('INTERRUPTED', 'interrupted'));
      else if (quota.used && lanes.every(({ loop }) => loop.inFlight === 0))
        end(tally.answered === 0 ? silence(targets) : undefined);
      else if (nowMs - Math.max(tally.lastAnswerMs, startMs) > SILENCE_MS) end(silence(targets));
      else giveUpLate(lanes, nowMs);
    };
    const timer = setInterval(tick, TICK_MS);
  });
}

function giveUpLate(lanes: readonly Lane[], nowMs: number): void {
  for (const { loop, client } of lanes) {
    loop.onTick(nowMs);
    client.flush();
  }
}

function silence(targets: readonly AgentTarget[]): CommandError {
  const ports = targets.map(({ port }) => port).join(',');
  return new CommandError('NO_ANSWER', `UDP ${targets[0]?.ip}:${ports} does not answer`);
}

function resultOf(tally: GetHostTally, startMs: number): LoadResult {
  const { answered, latency, lost, overloaded, hostless, late, odd, reports } = tally;
  const seconds = (tally.lastAnswerMs - startMs) / 1_000;
  return { done: answered, seconds, latency, lost, counts: { reports, overloaded, hostless, late, odd } };
}
