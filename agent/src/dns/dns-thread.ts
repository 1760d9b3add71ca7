/** The shell of the dns thread: one TCP link to dnsserver, mail from and to the shards. */
import { MAX_BODY_BYTES, shardOf } from '@lars/proto';
import { systemClock } from '@lars/runtime/clock';
import { CounterBank } from '@lars/runtime/counters';
import { FramedClient } from '@lars/runtime/tcp/framed-client';
import { type DnsCounter, dnsCounters, type LinkGauge, linkGauges } from '../counters.ts';
import type { LinkOptions } from '../threads/link-options.ts';
import { clientOptions } from '../threads/link-options.ts';
import { type MailToDns, SHARD_NAMES } from '../threads/messages.ts';
import { unpackQuestions } from '../threads/route-questions.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { NewsForShards } from './news-for-shards.ts';
import { RouteSubscriber } from './route-subscriber.ts';

export interface DnsThreadData {
  readonly link: LinkOptions;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
}

const HOUSEKEEPING_MS = 500;
const MAX_OPEN_QUESTIONS = 200_000;
const ANSWER_TIMEOUT_MS = 5_000;

runThread<DnsThreadData, MailToDns>(async thread => {
  const counters = new CounterBank<DnsCounter>(dnsCounters, thread.data.counters);
  const subscriber = new RouteSubscriber(
    { maxOpen: MAX_OPEN_QUESTIONS, answerTimeoutMs: ANSWER_TIMEOUT_MS, counters },
    {
      send: frame => client.queue(frame),
      onRoute: ({ modid, cmdid, host, version }) => news.add({ modid, cmdid, hosts: host, version }),
    },
  );
  const news = new NewsForShards((shard, routes) => thread.post(shard, { type: 'routes', routes }));
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

function dnsBody(thread: Thread<DnsThreadData>, subscriber: RouteSubscriber, client: FramedClient): ThreadBody<MailToDns> {
  const gauges = new CounterBank<LinkGauge>(linkGauges, thread.data.gauges);
  const housekeeping = setInterval(() => {
    if (subscriber.isOverdue(systemClock.monotonicMs())) client.reconnect('it does not answer');
    gauges.put(linkGauges.at.linkUp, client.up ? 1 : 0);
    gauges.put(linkGauges.at.waiting, subscriber.openCount);
  }, HOUSEKEEPING_MS);
  return {
    port: 0,
    transport: '',
    onMail: ({ questions }) => {
      const nowMs = systemClock.monotonicMs();
      unpackQuestions(questions, question => subscriber.pull(question, nowMs));
      client.flush();
    },
    onConnect: peer => {
      const index = (SHARD_NAMES as readonly string[]).indexOf(peer);
      if (index >= 0) subscriber.refetch(module => shardOf(module.modid, module.cmdid) === index, systemClock.monotonicMs());
      client.flush();
    },
    stop: async () => {
      clearInterval(housekeeping);
      client.stop();
    },
  };
}
