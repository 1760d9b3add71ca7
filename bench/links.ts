/** What TLS and the token cost dnsserver and the reporter: for each report, each push and each new connection. */
import { writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { openRouteEditor, type RouteEditor } from '@lars/dnsserver';
import { encodeFrame, FrameDecoder, MessageId, parseIpv4 } from '@lars/proto';
import { recordLogger } from '@lars/runtime/log';
import { isSecured, type LinkSecurity, NO_SECURITY } from '@lars/runtime/security/link-security';
import { readPemFolder } from '@lars/runtime/security/pem-folder';
import { SecureLinks } from '@lars/runtime/security/secure-link';
import { openPlainLink } from '@lars/runtime/tcp/open-link';
import { type Contender, measureInTurn } from '../cli/src/bench/in-turn.ts';
import { LatencyHistogram } from '../cli/src/bench/latency-histogram.ts';
import type { LoadResult } from '../cli/src/bench/load-result.ts';
import { modulesOf } from '../cli/src/bench/module-layout.ts';
import { ReportScript } from '../cli/src/bench/report-script.ts';
import { summarize } from '../cli/src/bench/summary.ts';
import { runTcpLoad } from '../cli/src/bench/tcp-load.ts';
import { HAS_OPENSSL, TestCertificates, TOKEN } from '../test/support/test-certificates.ts';
import { ServerProcess } from './server-process.ts';

const ROUNDS = 3;
const REPORT_SECONDS = 3;
const REPORTERS = { connections: 10, window: 512 };
const LAYOUT = { first: { modid: 1, cmdid: 1 }, modules: 1_000, hosts: 5 };
const SUBSCRIBERS = 1_000;
const PUSHES = 20;
const CONNECTS = 300;
const CONNECT_AT_ONCE = 50;
const CONNECT_TIMEOUT_MS = 20_000;
const MODULE = { modid: 1, cmdid: 1 };
const HOST = '10.0.0.1:80';

/** One way to protect links. */
interface Protection {
  readonly name: string;
  readonly security: LinkSecurity;
  /** Section [security] of the servers. */
  readonly conf: string;
}

export async function measureLinks(folder: string): Promise<string> {
  const heading = '## Protected links\n\n';
  if (!HAS_OPENSSL) return `${heading}Not measured: there is no openssl on this machine to make certificates.\n`;
  const certificates = new TestCertificates();
  try {
    return `${heading}${await measureTable(folder, await protectionsOf(certificates))}`;
  } finally {
    certificates.dispose();
  }
}

async function protectionsOf(certificates: TestCertificates): Promise<readonly Protection[]> {
  const machine = certificates.machine('machine');
  const { files } = await readPemFolder(machine, Date.now());
  const tls = { ...files, checkNames: false };
  const [tlsConf, tokenConf] = [`tls_folder = ${machine}\n`, `token_file = ${certificates.secret('token', TOKEN)}\n`];
  return [
    { name: 'none', security: NO_SECURITY, conf: '' },
    { name: 'token', security: { tls: undefined, tokens: [TOKEN] }, conf: tokenConf },
    { name: 'TLS', security: { tls, tokens: [] }, conf: tlsConf },
    { name: 'TLS and token', security: { tls, tokens: [TOKEN] }, conf: tlsConf + tokenConf },
  ];
}

async function measureTable(folder: string, protections: readonly Protection[]): Promise<string> {
  const file = path.join(folder, 'links.db');
  const editor = await openRouteEditor({ file });
  await editor.add(MODULE.modid, MODULE.cmdid, [{ host: HOST }, { host: '10.0.0.2:80' }]);
  const reports = await measureServers('reporter', folder, protections, reportLoad);
  const pushes = await measureServers('dnsserver', folder, protections, (server, connect) => pushLoad(server, connect, editor));
  const connects = await measureServers('dnsserver', folder, protections, connectLoad);
  await editor.close();
  const rows = protections.map(({ name }, at) => {
    const cells = [reports, pushes, connects].map(
      rates => `${rounded(rates[at])} (${((rates[at] ?? 0) / (rates[0] ?? 1)).toFixed(2)})`,
    );
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  return `What is done per second of the server's CPU time, by what protects the links; in brackets against links without protection. Rows that the reporter stores, from ${REPORTERS.connections} agents with
${REPORTERS.window} reports of ${LAYOUT.hosts} hosts on their way; routes that dnsserver pushes to ${rounded(SUBSCRIBERS)} subscribers of one module, ${PUSHES} changes; connections to dnsserver that are made and closed. Median of ${ROUNDS} rounds, all in turn.

| links | rows stored | pushes | new connections |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

type Connect = () => Promise<Socket>;
type MakeLoad = (port: number, connect: Connect) => () => Promise<LoadResult>;

/** @returns what is done per CPU second, for each of the protections */
async function measureServers(
  service: 'dnsserver' | 'reporter',
  folder: string,
  protections: readonly Protection[],
  makeLoad: MakeLoad,
): Promise<readonly number[]> {
  const servers: ServerProcess[] = [];
  const contenders: Contender[] = [];
  for (const protection of protections) {
    const server = await startServer(service, folder, protection);
    servers.push(server);
    const { tcpPort } = server.ready[service] as { readonly tcpPort: number };
    contenders.push({
      name: protection.name,
      pid: server.pid,
      load: makeLoad(tcpPort, connectorTo(tcpPort, protection.security)),
    });
  }
  const { signal } = new AbortController();
  const summaries = summarize(await measureInTurn(contenders, { rounds: ROUNDS, signal }));
  for (const server of servers) await server.stop();
  return summaries.map(({ perCpuSecond = Number.NaN }) => perCpuSecond);
}

function startServer(service: string, folder: string, { name, conf }: Protection): Promise<ServerProcess> {
  const file = path.join(folder, `${service}-${name.replaceAll(' ', '-')}.ini`);
  const database = path.join(folder, service === 'dnsserver' ? 'links.db' : `reports-${name.replaceAll(' ', '-')}.db`);
  const common = `[tcp]\nport = 0\n[security]\n${conf}[database]\nfile = ${database}\n[http]\nport = 0\n[log]\nlevel = error\n`;
  writeFileSync(file, service === 'dnsserver' ? `${common}[routes]\npoll_interval = 20\n` : common);
  return ServerProcess.startLars([service, '--conf', file], folder);
}

function connectorTo(port: number, security: LinkSecurity): Connect {
  const links = new SecureLinks(security, { log: recordLogger(() => undefined), serverName: 'server' });
  const openLink = isSecured(security) ? links.open : openPlainLink;
  return () =>
    new Promise((resolve, reject) => {
      const onOpen = (socket: Socket) => {
        socket.on('error', () => undefined);
        resolve(socket);
      };
      openLink({ host: '127.0.0.1', port, timeoutMs: CONNECT_TIMEOUT_MS }, { onOpen, onFailed: reject });
    });
}

const reportLoad: MakeLoad = (port, connect) => {
  const modules = modulesOf(LAYOUT);
  let run = 0;
  return async () => {
    run += 1;
    const name = `links-${process.pid}-${port}-${run}`;
    const caller = parseIpv4('10.255.0.1') as number;
    const ts = Math.floor(Date.now() / 1_000);
    const script = (connection: number) =>
      new ReportScript({ agent: `${name}-${connection}`, caller: caller + connection, ts, modules, hosts: LAYOUT.hosts });
    const { signal } = new AbortController();
    const server = { ip: '127.0.0.1', port };
    const result = await runTcpLoad({ server, ...REPORTERS, script, stint: { seconds: REPORT_SECONDS }, signal, connect });
    return { ...result, done: result.done * LAYOUT.hosts };
  };
};

/** The subscribers connect once; a round is changes alone. */
function pushLoad(_port: number, connect: Connect, editor: RouteEditor): () => Promise<LoadResult> {
  let subscribers: Subscribers | undefined;
  let isDraining = false;
  return async () => {
    subscribers ??= await Subscribers.connect(connect);
    const beganMs = performance.now();
    for (let push = 0; push < PUSHES; push++) {
      isDraining = !isDraining;
      const heard = subscribers.allHear();
      await editor.setDrain(MODULE.modid, MODULE.cmdid, [HOST], isDraining);
      await heard;
    }
    return resultOf(PUSHES * SUBSCRIBERS, beganMs);
  };
}

class Subscribers {
  #frames = 0;
  #wanted = SUBSCRIBERS;
  #onAll: () => void = () => undefined;

  static async connect(connect: Connect): Promise<Subscribers> {
    const subscribers = new Subscribers();
    const answered = new Promise<void>(resolve => {
      subscribers.#onAll = resolve;
    });
    const request = encodeFrame(MessageId.GetRouteRequest, { ...MODULE, version: 0, features: 2 });
    await inGroups(SUBSCRIBERS, async () => {
      const socket = await connect();
      const decoder = new FrameDecoder();
      socket.on('data', (chunk: Uint8Array) => decoder.push(chunk, () => subscribers.#onFrame()));
      socket.write(request);
    });
    await answered;
    return subscribers;
  }

  /** Resolves when each has got one more route. */
  allHear(): Promise<void> {
    this.#wanted = this.#frames + SUBSCRIBERS;
    return new Promise(resolve => {
      this.#onAll = resolve;
    });
  }

  #onFrame(): void {
    this.#frames += 1;
    if (this.#frames === this.#wanted) this.#onAll();
  }
}

const connectLoad: MakeLoad = (_port, connect) => async () => {
  const beganMs = performance.now();
  await inGroups(CONNECTS, async () => {
    (await connect()).destroy();
  });
  return resultOf(CONNECTS, beganMs);
};

async function inGroups(count: number, work: () => Promise<void>): Promise<void> {
  for (let done = 0; done < count; done += CONNECT_AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(CONNECT_AT_ONCE, count - done) }, work));
  }
}

function resultOf(done: number, beganMs: number): LoadResult {
  return { done, seconds: (performance.now() - beganMs) / 1_000, latency: new LatencyHistogram(), lost: 0, counts: {} };
}

function rounded(value = Number.NaN): string {
  return Math.round(value).toLocaleString('en');
}
