/** The shell of the reporter thread: one TCP link to the reporter, status reports from the shards. */
import { decodeBody, formatIpv4, LarsProtocolError, MAX_BODY_BYTES, MessageId } from '@lars/proto';
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { FramedClient } from '@lars/runtime/tcp/framed-client';
import { type LinkGauge, linkGauges, type ReporterCounter, reporterCounters } from '../counters.ts';
import { clientOptions, type LinkOptions } from '../threads/link-options.ts';
import type { ReporterMessage } from '../threads/messages.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { ReportOutbox } from './report-outbox.ts';

export interface ReportThreadData {
  readonly link: LinkOptions;
  readonly caller: number;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
}

const HOUSEKEEPING_MS = 500;
const MAX_UNACKNOWLEDGED = 4_096;
/** They take about 50 MB. */
const MAX_UNSENT_RESULTS = 200_000;
const ACK_TIMEOUT_MS = 10_000;
/** How long a stopping thread waits for the reporter to take and acknowledge the last reports. */
const DRAIN_TIMEOUT_MS = 900;
const DRAIN_POLL_MS = 10;

runThread<ReportThreadData, ReporterMessage>(async thread => {
  const { data, log } = thread;
  const counters = new SharedCounters<ReporterCounter>(reporterCounters, data.counters);
  const agent = runName(data.caller);
  const outbox = new ReportOutbox(
    {
      agent,
      caller: data.caller,
      maxUnacknowledged: MAX_UNACKNOWLEDGED,
      maxUnsentResults: MAX_UNSENT_RESULTS,
      ackTimeoutMs: ACK_TIMEOUT_MS,
    },
    { counters, send: frame => client.queue(frame) },
  );
  const client = new FramedClient(clientOptions('reporter', data.link, MAX_BODY_BYTES, log), {
    onUp: () => {
      outbox.onLinkUp(systemClock.monotonicMs());
      client.flush();
    },
    onFrame: (id, body) => onFrame(outbox, id, body),
    onDown: () => outbox.onLinkDown(),
  });
  client.start();
  return reportBody(thread, outbox, client);
});

/** A new run of this thread numbers its reports from 1 again, so the run has a name that no other run has or had. */
function runName(caller: number): string {
  const nonce = Math.floor(Math.random() * 2 ** 32).toString(36);
  return `${formatIpv4(caller)}-${process.pid}-${systemClock.unixMs().toString(36)}-${nonce}`;
}

function onFrame(outbox: ReportOutbox, id: number, body: Uint8Array): void {
  if (id !== MessageId.ReportStatusAck) throw new LarsProtocolError('BAD_MESSAGE_ID', `the reporter sent message id ${id}`);
  const ack = decodeBody(MessageId.ReportStatusAck, body);
  outbox.onAck(ack.agent, ack.seq, systemClock.monotonicMs());
}

function reportBody(thread: Thread<ReportThreadData>, outbox: ReportOutbox, client: FramedClient): ThreadBody<ReporterMessage> {
  const gauges = new SharedCounters<LinkGauge>(linkGauges, thread.data.gauges);
  const housekeeping = setInterval(() => {
    if (outbox.checkOverdue(systemClock.monotonicMs())) client.reconnect('it does not acknowledge');
    client.flush();
    gauges.set(linkGauges.at.linkUp, client.up ? 1 : 0);
    gauges.set(linkGauges.at.waiting, outbox.openCount);
  }, HOUSEKEEPING_MS);
  return {
    port: 0,
    transport: '',
    onMessage: ({ reports }) => {
      for (const report of reports) outbox.add(report, systemClock.monotonicMs());
      client.flush();
    },
    stop: async () => {
      clearInterval(housekeeping);
      if (client.up) await drainOutbox(outbox, client);
      client.stop();
      const reports = outbox.openCount;
      if (reports > 0) thread.log.warn('stopped before the reporter said that it has stored the last reports', { reports });
    },
  };
}

/** Sends what is left and waits until the reporter has stored it, or DRAIN_TIMEOUT_MS are over. */
async function drainOutbox(outbox: ReportOutbox, client: FramedClient): Promise<void> {
  const giveUpMs = systemClock.monotonicMs() + DRAIN_TIMEOUT_MS;
  outbox.drain(systemClock.monotonicMs());
  client.flush();
  while (outbox.openCount > 0 && systemClock.monotonicMs() < giveUpMs) {
    await new Promise(resolve => setTimeout(resolve, DRAIN_POLL_MS));
  }
}
