/** A worker thread of dnsserver: serves the connections that main hands it, with the routes that main sends it. */
import { SharedCounters } from '@lars/runtime/counters';
import { isSecured } from '@lars/runtime/security/link-security';
import { type LinkGuards, loadLinkGuards } from '@lars/runtime/security/load-link-guards';
import { ConnectionSet } from '@lars/runtime/tcp/connection-set';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { withoutTermination } from '@lars/runtime/threads/termination-lock';
import { WorkerEntry } from '@lars/runtime/threads/worker-entry';
import type { ConnectionHandle } from '@lars/runtime/transport/byte-connection';
import { openTransport } from '@lars/runtime/transport/open-transport';
import type { TcpTransport } from '@lars/runtime/transport/tcp-transport';
import { type DnsserverCounter, dnsserverCounters, type WorkerGauge, workerGauges } from '../../counters.ts';
import { CLOSE_GRACE_MS, connectionLimits, memoryLimits, QUIET_MS, TCP_ENGINE_KEY } from '../route-server.ts';
import { RouteService } from '../route-service.ts';
import type { MessageToMain, MessageToWorker, WorkerData } from './messages.ts';
import { unpackRoutes } from './route-pack.ts';
import { RemoteRouteSource } from './worker-subscriptions.ts';

interface Body {
  readonly service: RouteService;
  readonly connections: ConnectionSet;
  readonly guards: LinkGuards;
  readonly transport: TcpTransport;
}

const main = new WorkerEntry<WorkerData, MessageToMain, Body>(({ index }) => ({ worker: index }));

async function start(): Promise<Body> {
  const { tcp, engine, lock, counters, tcpCounters, gauges, security } = main.data;
  const options = { engine, confKey: TCP_ENGINE_KEY, isSecured: isSecured(security) };
  const transport = await withoutTermination(lock, () => openTransport(options, main.log));
  const guards = await loadLinkGuards(security);
  const ownGauges = new SharedCounters<WorkerGauge>(workerGauges, gauges);
  ownGauges.set(workerGauges.at.subscriptions, 0);
  const service = new RouteService({
    source: new RemoteRouteSource(changes => main.post({ type: 'subscriptions', changes })),
    counters: new SharedCounters<DnsserverCounter>(dnsserverCounters, counters),
    tcp,
    memory: memoryLimits(tcp, tcp.workers),
    onSubscriptions: count => ownGauges.set(workerGauges.at.subscriptions, count),
  });
  const ownTcpCounters = new SharedCounters<TcpServerCounter>(tcpServerCounters, tcpCounters);
  const connections = new ConnectionSet(
    { limits: connectionLimits(tcp), log: main.log, counters: ownTcpCounters, newGuard: guards.newGuard },
    service,
  );
  return { service, connections, guards, transport };
}

function serve({ connections, transport }: Body, handle: ConnectionHandle): void {
  const connection = transport.adopt(handle);
  const fd = typeof handle === 'number' ? handle : undefined;
  connection.onceClosed(() => main.post({ type: 'closed', fd }));
  connections.serve(connection);
}

main.run<MessageToWorker>({
  start,
  readyMessage: () => ({ type: 'ready' }),
  onMessage: message =>
    main.whenStarted(body => {
      const { service, connections, guards } = body;
      if (message.type === 'connection') serve(body, message.handle);
      else if (message.type === 'security') guards.setSecurity(message.security);
      else if (message.type === 'makeRoom') connections.closeQuietest(QUIET_MS);
      else service.updateRoutes(unpackRoutes(message.routes), message.versionOnly);
    }),
  stop: async ({ service, connections, transport }) => {
    service.stop();
    await connections.close(CLOSE_GRACE_MS);
    await transport.close();
  },
});
