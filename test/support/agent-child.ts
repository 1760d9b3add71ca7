/** An agent in a process of its own, so that its memory can be told from the test's. Argument: the text of its conf file. */
import { agentConfigTable, startAgent } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import { recordLogger } from '@lars/runtime/log';

/** What the process says first. */
export interface AgentChildReady {
  readonly udpPorts: readonly number[];
  readonly httpPort: number;
}

const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

const config = loadConfig(agentConfigTable, { path: 'argument', text: process.argv[2] ?? '' });
const agent = await startAgent(config, { log: recordLogger(say) });
say({ udpPorts: agent.udpPorts, httpPort: agent.httpPort } satisfies AgentChildReady);
// The test holds the other end: when it ends in whatever way, so does this process.
process.stdin.resume();
process.stdin.on('end', () => void agent.stop().then(() => process.exit()));
