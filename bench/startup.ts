import { performance } from 'node:perf_hooks';
import { LarsClient } from '@lars/client-sdk';
import { median } from './machine.ts';
import { addRoute, startUp } from './system.ts';

const RUNS = 5;

/** From the start of the process `lars up`, on a database that holds a route, to the first host that an agent answers. */
export async function measureStartup(folder: string): Promise<string> {
  await addRoute(folder, 1, 1, 5);
  const toFirstAnswerMs: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const startMs = performance.now();
    const { process: system, udpPorts } = await startUp(folder);
    const client = new LarsClient({ ports: udpPorts });
    await client.getHost(1, 1);
    toFirstAnswerMs.push(performance.now() - startMs);
    await client.close();
    await system.stop();
  }
  return `## Start

From the start of \`lars up\`, on a database that holds a route, to the first host that the agent answers: median of ${RUNS} runs
**${(median(toFirstAnswerMs) / 1_000).toFixed(2)} s** (slowest ${(Math.max(...toFirstAnswerMs) / 1_000).toFixed(2)} s). The goal is 1.5 s.
`;
}
