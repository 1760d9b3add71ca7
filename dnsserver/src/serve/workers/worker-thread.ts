/** A worker thread of dnsserver: serves the connections that main hands it, with the routes that main sends it. */
import { SharedCounters } from '@lars/runtime/counters';
import { type LinkGuards, loadLinkGuards } from '@lars/runtime/security/load-link-guards';
import { ConnectionSet } from '@lars/runtime/tcp/connection-set';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { WorkerEntry } from '@lars/runtime/threads/worker-entry';
import { type DnsserverCounter, dnsserverCounters, type WorkerGauge, workerGauges } from '../../counters.ts';
import { CLOSE_GRACE_MS, connectionLimits, memoryLimits, QUIET_MS } from '../route-server.ts';
import { RouteService } from '../route-service.ts';
import type { MessageToMain, MessageToWorker, WorkerData } from './messages.ts';
import { unpackRoutes } from './route-pack.ts';
import { RemoteRouteSource } from './worker-subscriptions.ts';

interface Body {
  readonly service: RouteService;
  readonly connections: ConnectionSet;
  readonly guards: LinkGuards;
}

const main = new WorkerEntry<WorkerData, MessageToMain, Body>(({ index }) => ({ worker: index }));

async function start(): Promise<Body> {
  const { tcp, counters, tcpCounters, gauges, security } = main.data;
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
    {
      onFrame: (connection, id, body) => service.onFrame(connection, id, body),
      onClose: connection => service.onClose(connection),
      onSocketClosed: () => main.post({ type: 'closed' }),
    },
  );
  return { service, connections, guards };
}

main.run<MessageToWorker>({
  start,
  readyMessage: () => ({ type: 'ready' }),
  onMessage: message =>
    main.whenStarted(({ service, connections, guards }) => {
      if (message.type === 'socket') connections.serve(message.socket);
      else if (message.type === 'security') guards.setSecurity(message.security);
      else if (message.type === 'makeRoom') connections.closeQuietest(QUIET_MS);
      else service.updateRoutes(unpackRoutes(message.routes), message.versionOnly);
    }),
  stop: async ({ service, connections }) => {
    service.stop();
    await connections.close(CLOSE_GRACE_MS);
  },
});
