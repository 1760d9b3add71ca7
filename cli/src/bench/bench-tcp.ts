import { formatModule, parseIpv4 } from '@lars/proto';
import { CommandError } from '../errors.ts';
import { askHealth } from '../system/ask-health.ts';
import { ROUNDS, roundOf, type TcpPlan } from './bench-plan.ts';
import { type BenchContext, type BenchOutcome, notesOnCpu, pidOf } from './bench-run.ts';
import { BenchSystem } from './bench-system.ts';
import type { Connect } from './connect.ts';
import type { ServerAddress } from './datagram-client.ts';
import { measureInTurn } from './in-turn.ts';
import type { LoadResult } from './load-result.ts';
import { modulesOf } from './module-layout.ts';
import { ReportScript } from './report-script.ts';
import { RouteRequests, RouteScript } from './route-script.ts';
import { runTcpLoad } from './tcp-load.ts';

/** A dnsserver or a reporter that is to be loaded. */
interface TcpServer extends ServerAddress {
  readonly name: string;
  readonly pid: number | undefined;
  readonly http: ServerAddress | undefined;
  /** Left out: by TCP alone. */
  readonly connect?: Connect | undefined;
}

/**
 * Requests for routes to a dnsserver, or numbered reports to a reporter.
 * @param connect to a server that runs already and is protected
 */
export async function benchTcp(plan: TcpPlan, context: BenchContext, connect?: Connect): Promise<BenchOutcome> {
  const system = new BenchSystem();
  try {
    const server = plan.against === undefined ? await startServer(plan, context, system) : await runningServer(plan, connect);
    const load = plan.kind === 'dnsserver' ? routeLoad(plan, context, server) : reportLoad(plan, context, server);
    const measured = await measureInTurn([{ ...server, load }], { ...context, rounds: ROUNDS });
    const unit = plan.kind === 'dnsserver' ? 'requests' : 'rows';
    return { measured, yardstick: undefined, unit, notes: [...notesOnMerging(plan), ...notesOnCpu(measured)] };
  } catch (error) {
    throw connect === undefined ? mayBeProtected(error) : error;
  } finally {
    await system.stop();
  }
}

async function startServer({ kind, layout }: TcpPlan, { onProgress }: BenchContext, system: BenchSystem): Promise<TcpServer> {
  onProgress('starting');
  if (kind === 'dnsserver') await system.addModules(layout);
  const { server, ip, tcpPort, httpPort } = await (kind === 'dnsserver' ? system.dnsserver() : system.reporter());
  return { name: kind, ip, port: tcpPort, pid: server.pid, http: { ip, port: httpPort } };
}

/** A protected server waits for what never comes, and hangs up. */
function mayBeProtected(cause: unknown): unknown {
  if (!(cause instanceof CommandError) || cause.code !== 'DISCONNECTED') return cause;
  const hint = 'its log says why; where it is protected, [security] of agent.ini must say how';
  return new CommandError(cause.code, `${cause.message}: ${hint}`, { cause });
}

async function runningServer({ kind, against }: TcpPlan, connect: Connect | undefined): Promise<TcpServer> {
  const { ip, ports, http } = against as NonNullable<typeof against>;
  const port = ports[0] as number;
  return { name: `${kind} ${ip}:${port}`, ip, port, pid: await pidOf(against as NonNullable<typeof against>), http, connect };
}

function routeLoad(plan: TcpPlan, { signal }: BenchContext, server: TcpServer): () => Promise<LoadResult> {
  const { connections, window, layout } = plan;
  const requests = new RouteRequests(modulesOf(layout), window);
  const checkHosts = (hosts: number) => {
    if (hosts > 0) return;
    const { modid, cmdid } = layout.first;
    throw new CommandError('NO_HOSTS', `${server.name} has no hosts for modules from ${formatModule(modid, cmdid)}`);
  };
  const script = (connection: number) => new RouteScript(requests, connection, checkHosts);
  return () => runTcpLoad({ server, connect: server.connect, connections, window, script, stint: roundOf(plan.stint), signal });
}

const CALLERS = parseIpv4('10.255.0.1') as number;

/** Numbered reports, each connection an agent's. */
export function reportLoad(
  plan: Pick<TcpPlan, 'connections' | 'window' | 'layout' | 'stint'>,
  { signal }: Pick<BenchContext, 'signal'>,
  server: ServerAddress & Pick<TcpServer, 'http' | 'connect'>,
): () => Promise<LoadResult> {
  const { connections, window, layout } = plan;
  const modules = modulesOf(layout);
  let run = 0;
  return async () => {
    const nowMs = Date.now();
    const ts = Math.floor(nowMs / 1_000);
    const name = `bench-${process.pid}-${nowMs}-${run++}`;
    const script = (connection: number) =>
      new ReportScript({ agent: `${name}-${connection}`, caller: CALLERS + connection, ts, modules, hosts: layout.hosts });
    const before = await rowsStored(server);
    const result = await runTcpLoad({
      server,
      connect: server.connect,
      connections,
      window,
      script,
      stint: roundOf(plan.stint),
      signal,
    });
    const after = await rowsStored(server);
    const counts = {
      reports: result.done,
      ...(before !== undefined && after !== undefined ? { rowsInAllTables: after - before } : {}),
    };
    return { ...result, done: result.done * layout.hosts, counts };
  };
}

/** As its health page says; undefined where that is not known. */
async function rowsStored({ http }: Pick<TcpServer, 'http'>): Promise<number | undefined> {
  if (http === undefined) return undefined;
  const answer = await askHealth(http.ip, http.port);
  return answer.kind === 'health' ? Number(answer.health.details['rowsStored']) : undefined;
}

/** Of one agent, at most a window of consecutive reports waits at a time: with as many modules no two of them share their rows. */
function notesOnMerging({ kind, window, layout }: TcpPlan): string[] {
  if (kind === 'dnsserver' || layout.modules >= window) return [];
  return [
    'There are fewer modules than the window: reports of the same module may be merged into one row before they are stored.',
  ];
}
