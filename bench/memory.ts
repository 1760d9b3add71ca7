import { setTimeout as sleep } from 'node:timers/promises';
import { shardOf } from '@lars/proto';
import { runAgentLoad } from '../cli/src/bench/agent-load.ts';
import { chooseClient } from '../cli/src/bench/choose-client.ts';
import { framesOf } from '../cli/src/bench/get-host-frames.ts';
import { addRoute, startApart } from './system.ts';

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
    const port = udpPorts[shardOf(MODULE.modid, MODULE.cmdid)] as number;
    const targets = [{ ip: '127.0.0.1', port, modules: [framesOf(MODULE)] }];
    const client = await chooseClient();
    const { signal } = new AbortController();
    const rows: string[] = [];
    for (let calls = EVERY; calls <= CALLS; calls += EVERY) {
      await runAgentLoad({ targets, sockets: 1, window: 64, reports: true, client, stint: { requests: EVERY }, signal });
      rows.push(`| ${calls.toLocaleString('en')} | ${agent.usage().residentMb.toFixed(0)} |`);
    }
    await sleep(SETTLE_MS);
    return `## Memory

The agent's resident memory, all threads, connected to dnsserver and reporter: idle **${idleMb.toFixed(0)} MB** (goal: 130), and while it
answers getHost requests, each followed by a report. Heaps and buffers reach their working size within the first
${WARM_UP_CALLS.toLocaleString('en')} calls; a million more should add nothing:

| calls answered | MB |
| --- | --- |
${rows.join('\n')}
| afterwards, idle | ${agent.usage().residentMb.toFixed(0)} |
`;
  } finally {
    await stop();
  }
}
