import { setImmediate as nextTurn } from 'node:timers/promises';
import { LarsClient, type LarsClientOptions, larsChannels } from '@lars/client-sdk';
import { median } from './machine.ts';
import { addRoute, startApart } from './system.ts';

const MODID = 4;
const HOSTS = 5;
const ROUNDS = 5;
/** A program that never lets its event loop turn could neither send nor hear. */
const PAIRS_PER_TURN = 10_000;
/** What a call took is told with each report, as programs do that time their calls. */
const TIMED = { ok: true, tcostMs: 1 } as const;

type Pairs = (client: LarsClient, cmdid: number, pairs: number) => Promise<void>;

/** Each has a module of its own, for what callers tell of a module decides whether it is cached. */
interface Way {
  readonly name: string;
  readonly pairs: number;
  readonly options: LarsClientOptions;
  readonly run: Pairs;
  /** Whether somebody subscribes to the events of calls and reports meanwhile. */
  readonly isObserved?: boolean;
}

const awaited: Pairs = async (client, cmdid, pairs) => {
  for (let i = 0; i < pairs; i++) client.report(await client.getHost(MODID, cmdid), TIMED);
};

const tried: Pairs = async (client, cmdid, pairs) => {
  for (let i = 0; i < pairs; i++) client.report(client.tryGetHost(MODID, cmdid) ?? (await client.getHost(MODID, cmdid)), TIMED);
};

const called: Pairs = async (client, cmdid, pairs) => {
  for (let i = 0; i < pairs; i++) await client.call(MODID, cmdid, () => undefined);
};

const WAYS: readonly Way[] = [
  { name: '`await getHost`, `report`', pairs: 4_000_000, options: {}, run: awaited },
  { name: '`tryGetHost`, `report`', pairs: 4_000_000, options: {}, run: tried },
  { name: '`call` of an empty function', pairs: 400_000, options: {}, run: called },
  { name: '`tryGetHost`, `report`, with a subscriber', pairs: 4_000_000, options: {}, run: tried, isObserved: true },
  { name: '`call` of an empty function, with a subscriber', pairs: 400_000, options: {}, run: called, isObserved: true },
  {
    name: '`await getHost`, `report`, without cache and fallback',
    pairs: 20_000,
    options: { cache: false, fallback: false },
    run: awaited,
  },
  { name: '`await getHost`, `report`, without the cache', pairs: 20_000, options: { cache: false }, run: awaited },
];

/** Pairs of a pick and a report per second of this process's CPU time: user and system, the sending of the reports included. */
export async function measureSdkSpeed(folder: string): Promise<string> {
  for (const cmdid of WAYS.keys()) await addRoute(folder, MODID, cmdid, HOSTS);
  const { agent, udpPorts, stop } = await startApart(folder);
  const { httpPort } = agent.ready['agent'] as { readonly httpPort: number };
  try {
    const rates = WAYS.map((): number[] => []);
    let reports = 0;
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [index, way] of WAYS.entries()) {
        const measured = await measure(way, index, udpPorts);
        reports += measured.reports;
        if (round > 0) rates[index]?.push(measured.perCpuSecond);
      }
    }
    return describe(rates, reports, await countedReports(httpPort, reports));
  } finally {
    await stop();
  }
}

async function measure(
  { pairs, options, run, isObserved = false }: Way,
  cmdid: number,
  ports: readonly number[],
): Promise<{ perCpuSecond: number; reports: number }> {
  await using client = new LarsClient({ ...options, ports });
  await settle(client, cmdid, options.cache !== false);
  if (isObserved) observe();
  const before = process.cpuUsage();
  for (let done = 0; done < pairs; done += PAIRS_PER_TURN) {
    await run(client, cmdid, PAIRS_PER_TURN);
    await nextTurn();
  }
  const { user, system } = process.cpuUsage(before);
  if (isObserved) ignore();
  return { perCpuSecond: (pairs * 1e6) / (user + system), reports: client.stats().reports };
}

const nothing = () => undefined;
const handlers = { start: nothing, end: nothing, asyncStart: nothing, asyncEnd: nothing, error: nothing };

function observe(): void {
  larsChannels.report.subscribe(nothing);
  larsChannels.call.subscribe(handlers);
}

function ignore(): void {
  larsChannels.report.unsubscribe(nothing);
  larsChannels.call.unsubscribe(handlers);
}

/** So many calls make a module busy, and a busy module is picked from a copy. */
const BUSY_CALLS = 10;

/** The first calls bring the copy of the route. */
async function settle(client: LarsClient, cmdid: number, isCached: boolean): Promise<void> {
  await client.register(MODID, cmdid);
  for (let i = 0; i < BUSY_CALLS; i++) client.report(await client.getHost(MODID, cmdid), TIMED);
  while (isCached && client.stats().copies === 0) await nextTurn();
}

/** What the agent has counted, as soon as it is all, or after a second without any more. */
async function countedReports(httpPort: number, expected: number): Promise<number> {
  let counted = -1;
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    const values = [...text.matchAll(/^lars_agent_reported_calls_total(?:\{.*\})? (\d+)$/gm)].map(([, value]) => Number(value));
    const now = values.reduce((sum, value) => sum + value, 0);
    if (now >= expected || now === counted) return now;
    counted = now;
    await new Promise(resolve => setTimeout(resolve, 1_000));
  }
}

function describe(rates: readonly (readonly number[])[], reports: number, counted: number): string {
  const rows = WAYS.map(({ name }, index) => `| ${name} | ${Math.round(median(rates[index] ?? [])).toLocaleString('en')} |`);
  return `## The SDK

Pairs of a pick and a report of success, one after the other, per second of the caller's CPU time, the sending of the reports included; one
module with ${HOSTS} hosts, an agent in a process of its own; median of ${ROUNDS} rounds. The agent counted ${counted.toLocaleString('en')} of
${reports.toLocaleString('en')} reports.

| work | per CPU second |
| --- | --- |
${rows.join('\n')}
`;
}
