import { formatLatency } from '../cli/src/bench/bench-result.ts';
import { measureInTurn } from '../cli/src/bench/in-turn.ts';
import { summarize } from '../cli/src/bench/summary.ts';
import { withUdpWorld } from './udp-world.ts';

const ROUNDS = 5;
const SECONDS = 0.6;
const WINDOWS = [1, 64];
const KINDS = [
  { algorithm: 'adaptive', transport: 'auto' },
  { algorithm: 'adaptive', transport: 'dgram' },
] as const;

/** How long a caller waits for a host. */
export function measureLatency(): Promise<string> {
  return withUdpWorld({ first: { modid: 1, cmdid: 1 }, modules: 1, hosts: 5 }, KINDS, async world => {
    const works = WINDOWS.map(window => world.contenders({ modules: 1, window, reports: false, seconds: SECONDS }));
    const measured = await measureInTurn(works.flat(), { rounds: ROUNDS, signal: new AbortController().signal });
    const each = works[0]?.length ?? 0;
    const rows = summarize(measured).map(({ name, p50, p99, p999, done, lost }, at) => {
      const cells = [
        WINDOWS[Math.floor(at / each)],
        name,
        ...[p50, p99, p999].map(formatLatency),
        done.toLocaleString('en'),
        lost,
      ];
      return `| ${cells.join(' | ')} |`;
    });
    return `## Latency

From a getHost that leaves to its answer, as the client sees it, with one request under way at a time and with 64; ${ROUNDS} rounds of ${SECONDS} s, all in turn.
The client takes part of the time itself, and shares the processors with the server.
${world.note}
| window | server | p50 | p99 | p99.9 | answers | lost |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  });
}
