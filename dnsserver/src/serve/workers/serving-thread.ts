/** A worker thread of dnsserver: serves the connections that main hands it, with the routes that main tells it. */
import { parentPort, workerData } from 'node:worker_threads';
import { CounterBank } from '@lars/runtime/counters';
import { compactMemoryIn } from '@lars/runtime/gc';
import { recordLogger } from '@lars/runtime/log';
import { FramedConnections } from '@lars/runtime/tcp/connection-set';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { type DnsserverCounter, dnsserverCounters, type WorkerGauge, workerGauges } from '../../counters.ts';
import { RouteService } from '../route-service.ts';
import { InterestMail } from './interest-mail.ts';
import type { MailToMain, MailToWorker, WorkerData } from './messages.ts';
import { unpackRoutes } from './route-pack.ts';

const STOP_GRACE_MS = 200;
const COMPACT_DELAY_MS = 1_000;

const main = parentPort;
if (main === null) throw new Error('this module runs as a worker thread of dnsserver');
const data = workerData as WorkerData;
const toMain = (mail: MailToMain) => main.postMessage(mail);
const log = recordLogger(record => toMain({ type: 'log', record }), { worker: data.index });
const gauges = new CounterBank<WorkerGauge>(workerGauges, data.gauges);
gauges.put(workerGauges.at.subscriptions, 0);

const service = new RouteService({
  source: new InterestMail(interests => toMain({ type: 'interests', interests })),
  counters: new CounterBank<DnsserverCounter>(dnsserverCounters, data.counters),
  maxSubscriptions: data.maxSubscriptions,
  onSubscriptions: count => gauges.put(workerGauges.at.subscriptions, count),
});
const connections = new FramedConnections(
  { limits: data.limits, log, counters: new CounterBank<TcpServerCounter>(tcpServerCounters, data.tcpCounters) },
  {
    onFrame: (connection, id, body) => service.onFrame(connection, id, body),
    onClose: connection => {
      service.onClose(connection);
      toMain({ type: 'closed' });
    },
  },
);

main.on('message', (mail: MailToWorker) => {
  if (mail.type === 'socket') connections.adopt(mail.socket);
  else if (mail.type === 'routes') service.update(unpackRoutes(mail.routes), mail.quiet);
  else void stop();
});

async function stop(): Promise<void> {
  service.stop();
  await connections.close(STOP_GRACE_MS);
  main?.close();
}

toMain({ type: 'ready' });
compactMemoryIn(COMPACT_DELAY_MS);
