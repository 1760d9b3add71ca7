/** Debian's `prometheus` with the rules of conf/prometheus, made impatient: a fault must be seen in seconds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';

const RULES = path.join(import.meta.dirname, '../../conf/prometheus/alerts.yml');

/** By job, the HTTP ports of its instances. */
export type Targets = Readonly<
  Record<'lars-agent' | 'lars-dnsserver' | 'lars-reporter' | 'lars-proxy' | 'lars-dispatcher', readonly number[]>
>;

export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
}

export class PrometheusProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;

  static async start(targets: Targets): Promise<PrometheusProcess> {
    const port = await freeTcpPort();
    const running = new PrometheusProcess(targets, port);
    await eventually('Prometheus is ready', async () => {
      if (running.#child.exitCode !== null) throw new Error(`prometheus ended with ${running.#child.exitCode}`);
      return (await fetch(`${running.#url}/-/ready`).catch(() => undefined))?.ok;
    });
    return running;
  }

  private constructor(targets: Targets, port: number) {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'lars-prometheus-'));
    this.#url = `http://127.0.0.1:${port}`;
    writeFileSync(path.join(this.#folder, 'alerts.yml'), impatient(readFileSync(RULES, 'utf8')));
    writeFileSync(path.join(this.#folder, 'prometheus.yml'), JSON.stringify(configuration(targets)));
    const options = [
      `--config.file=${path.join(this.#folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(this.#folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ];
    this.#child = spawn('prometheus', options, { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  /** What the query gives now. */
  async query(expr: string): Promise<readonly QueryResult[]> {
    return (await this.#get<{ result: QueryResult[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
  }

  async alerts(): Promise<readonly Alert[]> {
    return (await this.#get<{ alerts: Alert[] }>('alerts')).alerts;
  }

  async rules(): Promise<readonly Rule[]> {
    const { groups } = await this.#get<{ groups: { rules: Rule[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #get<T>(what: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${what}`, { signal: AbortSignal.timeout(10_000) });
    const answer = (await response.json()) as { readonly status: string; readonly data: T; readonly error?: string };
    if (answer.status !== 'success') throw new Error(`${what}: ${answer.error}`);
    return answer.data;
  }
}

/** The rules with seconds for minutes: a condition must last 3 s, so that one slow scrape is none, and rates are those of the last ten. */
function impatient(rules: string): string {
  return rules
    .replace(/for: [1-9]\d*m/g, 'for: 3s')
    .replace(/\[1h\]/g, '[60s]')
    .replace(/\[\d+m\]/g, '[10s]')
    .replace(/> 900\b/g, '> 2');
}

function configuration(targets: Targets) {
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['alerts.yml'],
    scrape_configs: Object.entries(targets).map(([job, ports]) => ({
      job_name: job,
      static_configs: [{ targets: ports.map(instanceOf) }],
    })),
  };
}

/** As the label `instance` names a service. */
export function instanceOf(httpPort: number): string {
  return `127.0.0.1:${httpPort}`;
}

/** A port that nobody has now, for those who must know it before they listen. */
export async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
