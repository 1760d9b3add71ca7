import { type AgentConfig, agentConfigTable, type RunningAgent, startAgent } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import { eventually } from '../support/eventually.ts';
import { parsePrometheus, type Sample } from '../support/prometheus-text.ts';
import { type RecordingLog, recordingLog } from '../support/recording-log.ts';
import { type Dialect, ScriptedDnsserver } from '../support/scripted-dnsserver.ts';
import { ScriptedReporter } from '../support/scripted-reporter.ts';
import { UdpAsker } from '../support/udp-asker.ts';

export interface AgentWorld {
  readonly agent: RunningAgent;
  readonly dns: ScriptedDnsserver;
  readonly reporter: ScriptedReporter;
  readonly asker: UdpAsker;
  readonly recording: RecordingLog;
}

export type Settings = Readonly<Record<string, Readonly<Record<string, string | number>>>>;

/** Short times, and a wait for the first route that no slow machine exceeds. */
const DEFAULTS: Settings = {
  udp: { port: 0 },
  http: { port: 0 },
  agent: {
    route_wait: 5_000,
    absent_ttl: 0,
    reconnect_min: 5,
    reconnect_max: 50,
    caller_ip: '10.9.8.7',
    routes_file: '',
    unsent_file: '',
  },
  loadbalance: { report_timeout: 0.01 },
};

/** What a test has started, ended in reverse order. */
export class CleanUps {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}

export function agentConfig(settings: Settings): AgentConfig {
  const sections = Object.keys({ ...DEFAULTS, ...settings });
  const lines = sections.flatMap(name => [
    `[${name}]`,
    ...Object.entries({ ...DEFAULTS[name], ...settings[name] }).map(([key, value]) => `${key} = ${value}`),
  ]);
  return loadConfig(agentConfigTable, { path: 'agent.ini', text: lines.join('\n') });
}

/** An agent between a dnsserver and a reporter of this dialect, all on ports that the system picked. */
export async function startWorld(cleanUps: CleanUps, dialect: Dialect, settings: Settings = {}): Promise<AgentWorld> {
  const dns = new ScriptedDnsserver(dialect);
  const reporter = new ScriptedReporter(dialect);
  for (const server of [dns, reporter]) {
    await server.start();
    cleanUps.add(() => server.stop());
  }
  const recording = recordingLog();
  const links = { dnsserver: { port: dns.port }, reporter: { port: reporter.port } };
  const agent = await startAgent(agentConfig({ ...links, ...settings }), { log: recording.log });
  cleanUps.add(() => agent.stop());
  const asker = await UdpAsker.open(agent.udpPorts);
  cleanUps.add(() => asker.close());
  return { agent, dns, reporter, asker, recording };
}

export async function metrics(agent: RunningAgent): Promise<Sample[]> {
  const response = await fetch(`http://127.0.0.1:${agent.httpPort}/metrics`);
  return parsePrometheus(await response.text());
}

export async function health(agent: RunningAgent): Promise<{ status: string; details: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${agent.httpPort}/healthz`);
  return (await response.json()) as { status: string; details: Record<string, unknown> };
}

export async function restarted(
  agent: RunningAgent,
  name: Parameters<RunningAgent['restarts']>[0],
  times: number,
): Promise<void> {
  await eventually(`${name} was restarted ${times} times`, () => agent.restarts(name) === times);
}
