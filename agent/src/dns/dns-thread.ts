/** The shell of the dns thread: one TCP link to dnsserver, mail from and to the shards. */
import { MAX_BODY_BYTES, shardOf } from '@lars/proto';
import { systemClock } from '@lars/runtime/clock';
import { CounterBank } from '@lars/runtime/counters';
import { FramedClient } from '@lars/runtime/tcp/framed-client';
import { type DnsCounter, dnsCounters, type LinkGauge, linkGauges } from '../counters.ts';
import type { LinkOptions } from '../threads/link-options.ts';
import { clientOptions } from '../threads/link-options.ts';
import { type MailToDns, type MailToShard, ownerOf, SHARD_NAMES } from '../threads/messages.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
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
      send: frame => client.send(frame),
      onRoute: response => {
        const { modid, cmdid, host, version, notModified } = response;
        const mail: MailToShard = notModified
          ? { type: 'route-current', modid, cmdid }
          : { type: 'route', modid, cmdid, hosts: host, version };
        thread.post(ownerOf(response), mail);
      },
    },
  );
  const client = new FramedClient(clientOptions('dnsserver', thread.data.link, MAX_BODY_BYTES, thread.log), {
    onUp: () => subscriber.onLinkUp(systemClock.monotonicMs()),
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
    onMail: mail => subscriber.pull(mail, systemClock.monotonicMs()),
    onConnect: peer => {
      const index = (SHARD_NAMES as readonly string[]).indexOf(peer);
      if (index >= 0) subscriber.refetch(module => shardOf(module.modid, module.cmdid) === index, systemClock.monotonicMs());
    },
    stop: async () => {
      clearInterval(housekeeping);
      client.stop();
    },
  };
}
