import type { ServerProcess } from '../server-process.ts';
import { installedBalancers, type ProxyServer, type Route, startBalancer } from './balancers.ts';
import { hasProxy, startLarsProxy, startLarsSystem } from './lars-proxy.ts';
import { untilServed } from './load.ts';
import { startCServer, type TcpPrograms } from './programs.ts';

/** Proxies in front of the same two servers in C, all of them running. */
export interface ProxyWorld {
  readonly proxies: readonly ProxyServer[];
  /** The server that answers, without a proxy. */
  readonly echoPort: number;
  /** What of the proxies is missing here, in a sentence. */
  readonly note: string;
}

/** The first route answers, the second only reads. */
export const ROUTES = { echo: 0, sink: 1 } as const;
/** So many addresses has the server that answers, so that the ports of one do not limit how many connections there are. */
const ECHO_HOSTS = 4;

export async function startProxyWorld(programs: TcpPrograms, folder: string, running: ServerProcess[]): Promise<ProxyWorld> {
  const started = <T extends { readonly process: ServerProcess }>(one: T): T => {
    running.push(one.process);
    return one;
  };
  const echo = started(await startCServer(programs.server, 1, 'echo', folder));
  const sink = started(await startCServer(programs.server, 1, 'sink', folder));
  // Each proxy goes to addresses of its own, so that none uses up the ports of another.
  let subnet = 0;
  const routesOfNext = (): readonly Route[] => {
    subnet += 1;
    const hosts = Array.from({ length: ECHO_HOSTS }, (_, at) => `127.1.${subnet}.${at + 1}`);
    return [
      { hosts, port: echo.port },
      { hosts: hosts.slice(0, 1), port: sink.port },
    ];
  };
  const proxies: ProxyServer[] = [];
  const has = hasProxy();
  if (has) {
    const routes = routesOfNext();
    const system = started(await startLarsSystem(routes, folder));
    proxies.push(started(await startLarsProxy(system, routes, folder)));
  }
  const { kinds, note } = installedBalancers();
  for (const kind of kinds) proxies.push(started(await startBalancer(kind, routesOfNext(), folder)));
  for (const { ports } of proxies) await untilServed(programs.load, { port: ports[ROUTES.echo] as number });
  return { proxies, echoPort: echo.port, note: has ? note : `This lars has no proxy yet.\n${note}` };
}
