/** The shell of the dns thread: one TCP link to dnsserver, messages from and to the shards. */
import { MAX_BODY_BYTES, shardOf } from '@lars/proto';
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { FramedClient } from '@lars/runtime/tcp/framed-client';
import { type DnsCounter, dnsCounters, type LinkGauge, linkGauges } from '../counters.ts';
import { RouteUpdateBatcher, unpackRouteQueries } from '../threads/batches.ts';
import { clientOptions, type LinkOptions } from '../threads/link-options.ts';
import { type DnsMessage, type RouteUpdate, SHARD_NAMES, type ShardName } from '../threads/messages.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { RouteSubscriber } from './route-subscriber.ts';

export interface DnsThreadData {
  readonly link: LinkOptions;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
}

const HOUSEKEEPING_MS = 500;
const MAX_OPEN_QUERIES = 200_000;
const ANSWER_TIMEOUT_MS = 5_000;

runThread<DnsThreadData, DnsMessage>(async thread => {
  const counters = new SharedCounters<DnsCounter>(dnsCounters, thread.data.counters);
  const subscriber = new RouteSubscriber(
    { maxOpen: MAX_OPEN_QUERIES, answerTimeoutMs: ANSWER_TIMEOUT_MS },
    {
      counters,
      send: frame => client.queue(frame),
      onRoute: ({ modid, cmdid, host, version }) => updates.add({ modid, cmdid, hosts: host, version }),
    },
  );
  const postUpdates = (shard: ShardName, batch: readonly RouteUpdate[]) =>
    thread.post(shard, { type: 'route-updates', updates: batch });
  const updates = new RouteUpdateBatcher(postUpdates, setImmediate);
  const client = new FramedClient(clientOptions('dnsserver', thread.data.link, MAX_BODY_BYTES, thread.log), {
    onUp: () => {
      subscriber.onLinkUp(systemClock.monotonicMs());
      client.flush();
    },
    onFrame: (id, body) => subscriber.onFrame(id, body),
    onDown: () => subscriber.onLinkDown(),
  });
  client.start();
  return dnsBody(thread, subscriber, client);
});

function dnsBody(thread: Thread<DnsThreadData>, subscriber: RouteSubscriber, client: FramedClient): ThreadBody<DnsMessage> {
  const gauges = new SharedCounters<LinkGauge>(linkGauges, thread.data.gauges);
  const housekeeping = setInterval(() => {
    if (subscriber.isOverdue(systemClock.monotonicMs())) client.reconnect('it does not answer');
    gauges.set(linkGauges.at.linkUp, client.up ? 1 : 0);
    gauges.set(linkGauges.at.waiting, subscriber.openCount);
  }, HOUSEKEEPING_MS);
  return {
    port: 0,
    transport: '',
    onMessage: ({ queries }) => {
      const nowMs = systemClock.monotonicMs();
      unpackRouteQueries(queries, query => subscriber.query(query, nowMs));
      client.flush();
    },
    onConnect: name => {
      const index = (SHARD_NAMES as readonly string[]).indexOf(name);
      if (index >= 0) subscriber.refetch(module => shardOf(module.modid, module.cmdid) === index, systemClock.monotonicMs());
      client.flush();
    },
    stop: async () => {
      clearInterval(housekeeping);
      client.stop();
    },
  };
}
