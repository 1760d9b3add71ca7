import path from 'node:path';
import { median } from './machine.ts';
import { ServerProcess } from './server-process.ts';
import { addRoute, startApart } from './system.ts';
import { type LoadResult, runLoad } from './udp-load.ts';

const REQUESTS = 60_000;
const ROUNDS = 5;
const WINDOW = 64;
const MODULE = { modid: 1, cmdid: 3 };

interface Round {
  readonly echo: number;
  readonly getHost: number;
  readonly withReports: number;
  readonly lost: number;
}

/** Requests per second of the server's own CPU time, beside a bare dgram echo, turn by turn in one run. */
export async function measureThroughput(folder: string): Promise<string> {
  await addRoute(folder, MODULE.modid, MODULE.cmdid, 5);
  const echo = await ServerProcess.start([path.join(import.meta.dirname, 'dgram-echo.ts')], folder);
  const { agent, udpPorts, stop } = await startApart(folder);
  try {
    const port = udpPorts[(MODULE.modid + MODULE.cmdid) % udpPorts.length] as number;
    const rounds: Round[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const measured = await measureRound(echo, agent, Number(echo.ready['port']), port);
      // The first round warms up.
      if (round > 0) rounds.push(measured);
    }
    return describe(rounds);
  } finally {
    await stop();
    await echo.stop();
  }
}

async function measureRound(echo: ServerProcess, agent: ServerProcess, echoPort: number, agentPort: number): Promise<Round> {
  const load = { ...MODULE, requests: REQUESTS, window: WINDOW };
  const bare = await perCpuSecond(echo, () => runLoad({ ...load, port: echoPort, withReports: false }));
  const asked = await perCpuSecond(agent, () => runLoad({ ...load, port: agentPort, withReports: false }));
  const reported = await perCpuSecond(agent, () => runLoad({ ...load, port: agentPort, withReports: true }));
  return { echo: bare.rate, getHost: asked.rate, withReports: reported.rate, lost: bare.lost + asked.lost + reported.lost };
}

async function perCpuSecond(server: ServerProcess, load: () => Promise<LoadResult>): Promise<{ rate: number; lost: number }> {
  const before = server.usage().cpuSeconds;
  const { answered, lost } = await load();
  return { rate: answered / (server.usage().cpuSeconds - before), lost };
}

function describe(rounds: readonly Round[]): string {
  const row = (what: string, of: (round: Round) => number) => {
    const ratio = median(rounds.map(round => of(round) / round.echo));
    return `| ${what} | ${Math.round(median(rounds.map(of))).toLocaleString('en')} | ${ratio.toFixed(2)} |`;
  };
  return `## The UDP path

Requests per second of the server's CPU time, ${WINDOW} under way at a time, one module with 5 hosts; median of ${ROUNDS} rounds of
${REQUESTS.toLocaleString('en')} requests, the three in turn. A bare node:dgram echo, which sends back what it gets, is the yardstick. Requests lost: ${rounds.reduce((sum, round) => sum + round.lost, 0)}.

| work | per CPU second | against the echo |
| --- | --- | --- |
${row('bare dgram echo', round => round.echo)}
${row('getHost', round => round.getHost)}
${row('getHost, each followed by a report (pairs)', round => round.withReports)}
`;
}
