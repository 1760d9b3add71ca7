/** The shell of the reporter thread: one TCP link to the reporter, status reports from the shards. */
import { decodeBody, formatIpv4, LarsProtocolError, MAX_BODY_BYTES, MessageId } from '@lars/proto';
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { FramedClient } from '@lars/runtime/tcp/framed-client';
import { type LinkGauge, linkGauges, type ReporterCounter, reporterCounters } from '../counters.ts';
import { clientOptions, type LinkOptions } from '../threads/link-options.ts';
import type { ReporterMessage } from '../threads/messages.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { AckHabit } from './ack-habit.ts';
import { deliverOrKeep, type FinalDeliveryDeps } from './final-delivery.ts';
import { ReportLine } from './report-line.ts';
import { ReportOutbox } from './report-outbox.ts';
import { UnsentFile } from './unsent-file.ts';
import type { EarlierReport } from './unsent-frames.ts';

export interface ReportThreadData {
  readonly link: LinkOptions;
  readonly caller: number;
  /** Where reports are kept that could not be delivered; '' = nowhere. */
  readonly unsentFile: string;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
}

const HOUSEKEEPING_MS = 500;
const MAX_UNACKNOWLEDGED = 4_096;
/** They take about 50 MB. */
const MAX_UNSENT_RESULTS = 200_000;
const ACK_TIMEOUT_MS = 10_000;

runThread<ReportThreadData, ReporterMessage>(async thread => {
  const { data, log } = thread;
  const counters = new SharedCounters<ReporterCounter>(reporterCounters, data.counters);
  const file = new UnsentFile(data.unsentFile, `${data.link.host}:${data.link.port}`, log);
  const habit = new AckHabit(await file.knowsReporter(), () => void file.noteReporter());
  const newOutbox = (agent: string, earlier: readonly EarlierReport[]) =>
    new ReportOutbox(
      {
        agent,
        caller: data.caller,
        maxUnacknowledged: MAX_UNACKNOWLEDGED,
        maxUnsentResults: MAX_UNSENT_RESULTS,
        ackTimeoutMs: ACK_TIMEOUT_MS,
        earlier,
      },
      { counters, habit, send: frame => client.queue(frame) },
    );
  const earlier = [...(await file.read())].map(([agent, reports]) => newOutbox(agent, reports));
  const line = new ReportLine(earlier, newOutbox(runName(data.caller), []));
  if (line.openCount > 0) log.info('reports that an earlier run could not deliver are sent', { reports: line.openCount });
  const client = new FramedClient(clientOptions('reporter', data.link, MAX_BODY_BYTES, log), {
    onUp: () => {
      line.onLinkUp(systemClock.monotonicMs());
      client.flush();
    },
    onFrame: (id, body) => onFrame(line, file, id, body),
    onDown: () => line.onLinkDown(),
  });
  client.start();
  return reportBody(thread, { line, client, file, habit });
});

/** A new run of this thread numbers its reports from 1 again, so the run has a name that no other run has or had. */
function runName(caller: number): string {
  const nonce = Math.floor(Math.random() * 2 ** 32).toString(36);
  return `${formatIpv4(caller)}-${process.pid}-${systemClock.unixMs().toString(36)}-${nonce}`;
}

function onFrame(line: ReportLine, file: UnsentFile, id: number, body: Uint8Array): void {
  if (id !== MessageId.ReportStatusAck) throw new LarsProtocolError('BAD_MESSAGE_ID', `the reporter sent message id ${id}`);
  const ack = decodeBody(MessageId.ReportStatusAck, body);
  line.onAck(ack.agent, ack.seq, systemClock.monotonicMs());
  if (line.earlierCount === 0) void file.remove();
}

function reportBody(thread: Thread<ReportThreadData>, deps: FinalDeliveryDeps): ThreadBody<ReporterMessage> {
  const { line, client, file } = deps;
  const gauges = new SharedCounters<LinkGauge>(linkGauges, thread.data.gauges);
  const housekeeping = setInterval(() => {
    if (line.checkOverdue(systemClock.monotonicMs())) client.reconnect('it does not acknowledge');
    if (line.earlierCount === 0) void file.remove();
    client.flush();
    gauges.set(linkGauges.at.linkUp, client.up ? 1 : 0);
    gauges.set(linkGauges.at.waiting, line.openCount);
  }, HOUSEKEEPING_MS);
  return {
    port: 0,
    transport: '',
    onMessage: ({ reports }) => {
      for (const report of reports) line.add(report, systemClock.monotonicMs());
      client.flush();
    },
    stop: async () => {
      clearInterval(housekeeping);
      const { open, kept } = await deliverOrKeep(deps);
      client.stop();
      if (open === 0) return;
      if (kept === open) thread.log.info('the last reports are kept for the next start', { reports: kept });
      else thread.log.warn('stopped before the reporter said that it has stored the last reports', { reports: open, kept });
    },
  };
}
