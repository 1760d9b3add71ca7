/** A proxy that has no agent and is full, and a dispatcher whose workers crash and are gone: for the alerts about them. */
import { connect } from 'node:net';
import path from 'node:path';
import { eventually } from '../support/eventually.ts';
import { freeTcpPort } from '../support/free-ports.ts';
import { ScriptedWorker } from '../support/scripted-worker.ts';
import type { CleanUps } from './agent-world.ts';
import { repeat, sum } from './alert-faults.ts';
import type { LarsFolder, LarsProcess } from './cli-process.ts';

export interface Relays {
  readonly proxy: LarsProcess;
  readonly dispatcher: LarsProcess;
  readonly httpPorts: readonly [number, number];
  readonly ports: readonly number[];
  readonly workersPath: string;
}

/** One of its listeners waits for a header that never comes, and takes one connection. */
const proxyConf = (agentPort: number) => `[agent]
ports = ${agentPort}
[http]
port = 0
[listen hostless]
address = 127.0.0.1:0
module = 1/1
[listen full]
address = 127.0.0.1:0
module = 1/1
accept_proxy = always
header_timeout = 60
max_connections = 1
`;

export async function startRelays(folder: LarsFolder): Promise<Relays> {
  folder.write('conf/proxy.ini', proxyConf(await freeTcpPort()));
  const proxy = folder.start(['proxy', '--json']);
  const places = ['--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', '--socket', 'workers'];
  const dispatcher = folder.start(['dispatch', '--json', '--max-waiting', '0', ...places]);
  const [ready, other] = [(await proxy.ready).proxy, (await dispatcher.ready).dispatcher];
  return {
    proxy,
    dispatcher,
    httpPorts: [ready.httpPort, other.httpPort],
    ports: [...ready.listens, ...other.listens].map(place => Number(/:(\d+)$/.exec(place)?.[1])),
    workersPath: path.join(folder.path, 'workers'),
  };
}

/** To be called when Prometheus watches both. */
export async function hurtRelays(
  cleanUps: CleanUps,
  { ports, workersPath, httpPorts: [, dispatcherHttp] }: Relays,
): Promise<void> {
  repeat(cleanUps, 200, () => {
    for (const port of ports) {
      const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
      cleanUps.add(() => socket.destroy());
    }
  });
  for (let lost = 1; lost <= 2; lost++) {
    const worker = await ScriptedWorker.join(workersPath);
    await eventually('it is there', async () => (await sum(dispatcherHttp, 'lars_dispatcher_workers_joined_total')) >= lost);
    worker.kill();
    await eventually('it is lost', async () => (await sum(dispatcherHttp, 'lars_dispatcher_workers_lost_total')) >= lost);
  }
}
