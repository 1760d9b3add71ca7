import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { filesOfKeys } from './conf-keys.ts';
import { type RanFile, type RanFiles, ranEachTime, ranFiles } from './ran-lines.ts';
import { THREADS, WaySystem } from './system.ts';
import { formatKeys, formatTotals, formatWay, type Way, withTotals } from './texts.ts';
import { type Taken, Threads } from './threads.ts';

const PAGE = path.join(import.meta.dirname, '../../docs/architecture.md');
const WARM_UP_CALLS = 200;
/** What ran in each of so many measurements is the way: timers fire in some of them only. */
const TIMES = 6;
/** After this time a report, or a change of a route, has reached the balancer. */
const SETTLED_MS = 60;

const system = await WaySystem.start();
const threads = new Threads(THREADS);
try {
  const ways = await measureAll();
  const keys = filesOfKeys();
  for (const way of ways) process.stdout.write(`${formatWay(way)}\n`);
  process.stdout.write(`${formatKeys(keys)}\n`);
  const text = formatTotals(ways, keys, system.transport);
  process.stdout.write(`${text}\n`);
  if (process.argv.includes('--write')) writeFileSync(PAGE, withTotals(readFileSync(PAGE, 'utf8'), text));
} finally {
  threads.close();
  await system.stop();
}

async function measureAll(): Promise<readonly Way[]> {
  for (let call = 0; call < WARM_UP_CALLS; call++) system.sendReport(await system.getHost());
  let host = await system.getHost();
  const pick = async () => {
    host = await system.getHost();
  };
  const nothing = async () => {};
  return [
    { name: 'getHost', files: await measure(inAgent, nothing, pick) },
    { name: 'report', files: await measure(inAgent, pick, () => system.sendReport(host)) },
    {
      name: 'change of a route',
      files: await measure(
        inAll,
        () => system.editRoute(),
        () => system.pollRoutes(),
      ),
    },
  ];
}

/** The main thread is the caller of the agent, and dnsserver. */
function inAgent({ isMainThread }: Taken): boolean {
  return !isMainThread;
}

function inAll(): boolean {
  return true;
}

/** @param prepare what must happen before each call, and is no part of the way */
async function measure(
  isOnWay: (taken: Taken) => boolean,
  prepare: () => Promise<void>,
  call: () => Promise<void> | void,
): Promise<readonly RanFile[]> {
  const times: RanFiles[] = [];
  for (let time = 0; time < TIMES; time++) {
    await prepare();
    await sleep(SETTLED_MS);
    await threads.take();
    await call();
    await sleep(SETTLED_MS);
    times.push(ranFiles((await threads.take()).filter(isOnWay).flatMap(({ scripts }) => scripts)));
  }
  return ranEachTime(times);
}
