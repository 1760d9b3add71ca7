/** The shell of the reporter thread: TCP links to the reporters, status reports from the shards. */
import { randomBytes } from 'node:crypto';
import { decodeBody, formatIpv4, LarsProtocolError, MAX_BODY_BYTES, MessageId } from '@lars/proto';
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { type Links, loadSecureLinks } from '@lars/runtime/security/load-secure-links';
import { type LinkGauge, linkGauges, type ReporterCounter, reporterCounters } from '../counters.ts';
import type { ReporterMessage } from '../threads/messages.ts';
import { housekeepingMs, type LinkOptions, newServerLinks, type ServerLinks, showLinks } from '../threads/server-links.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { AckHabit } from './ack-habit.ts';
import { deliverOrKeep } from './final-delivery.ts';
import { ReportLine } from './report-line.ts';
import { ReportLines } from './report-lines.ts';
import { ReportOutbox } from './report-outbox.ts';
import { ReporterFiles } from './reporter-files.ts';
import type { EarlierReport } from './unsent-frames.ts';

export interface ReportThreadData {
  readonly link: LinkOptions;
  readonly caller: number;
  /** Where reports are kept that could not be delivered; '' = nowhere. */
  readonly unsentFile: string;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
}

/** Of the name of a run: too many to be guessed. */
const SECRET_BYTES = 12;
const MAX_UNACKNOWLEDGED = 4_096;
/** They take about 50 MB. */
const MAX_UNSENT_RESULTS = 200_000;
const ACK_TIMEOUT_MS = 10_000;
/** The same where another reporter may take the next reports. A shard sends them once a second, and silence is to be noticed within two. */
const FAILOVER_ACK_TIMEOUT_MS = 700;

/** What is known of one reporter. */
interface Reporter {
  readonly line: ReportLine;
  readonly habit: AckHabit;
  readonly files: ReporterFiles;
}

runThread<ReportThreadData, ReporterMessage>(async thread => {
  const { data, log } = thread;
  const counters = new SharedCounters<ReporterCounter>(reporterCounters, data.counters);
  const reporters = await Promise.all(
    data.link.servers.map((_, server) => openReporter(thread, server, counters, frame => links.queue(frame, server))),
  );
  const lines = new ReportLines(reporters.map(({ line }) => line));
  if (lines.openCount > 0) log.info('reports that an earlier run could not deliver are sent', { reports: lines.openCount });
  const security = await loadSecureLinks(data.link.security, { log, serverName: 'reporter' });
  const links = openLinks(thread, security, reporters, lines, counters);
  links.start();
  return { ...reportBody(thread, reporters, lines, links), onSecurity: files => security.setSecurity(files) };
});

async function openReporter(
  { data, log }: Thread<ReportThreadData>,
  server: number,
  counters: SharedCounters<ReporterCounter>,
  send: (frame: Uint8Array) => boolean,
): Promise<Reporter> {
  const files = new ReporterFiles(data.unsentFile, data.link.servers, server, log);
  const habit = new AckHabit(await files.knowsReporter(), () => void files.noteReporter());
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
      { counters, habit, send },
    );
  const earlier = [...(await files.read())].map(([agent, reports]) => newOutbox(agent, reports));
  return { line: new ReportLine(earlier, newOutbox(runName(data.caller), [])), habit, files };
}

/**
 * A new run of this thread numbers its reports from 1 again, for each reporter, so the run has a name there that no other run has or had. Nobody can
 * guess it: whoever knew it could send reports under it.
 */
function runName(caller: number): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return `${formatIpv4(caller)}-${process.pid}-${systemClock.unixMs().toString(36)}-${secret}`;
}

function openLinks(
  { data, log }: Thread<ReportThreadData>,
  { openLink }: Links,
  reporters: readonly Reporter[],
  lines: ReportLines,
  counters: SharedCounters<ReporterCounter>,
): ServerLinks {
  const nowMs = () => systemClock.monotonicMs();
  const links = newServerLinks(
    { ...data.link, serverName: 'reporter', maxBodyBytes: MAX_BODY_BYTES },
    {
      log,
      random: Math.random,
      openLink,
      isWanted: server => lines.get(server).owedCount > 0,
      events: {
        onProbe: server => {
          lines.onLinkUp(server, nowMs());
          links.flush();
          // Only a reporter that acknowledges, and that was sent something, says anything.
          const { habit, line } = reporters[server] as Reporter;
          if (!habit.hasAcknowledged || line.owedCount === 0) links.confirm(server);
        },
        onUse: (server, before = server) => {
          if (before !== server) counters.add(server > before ? reporterCounters.at.failovers : reporterCounters.at.returns);
          lines.use(server, nowMs());
          links.flush();
        },
        onFrame: (server, id, body) => {
          onFrame(reporters[server] as Reporter, id, body);
          links.confirm(server);
        },
        onDown: server => lines.get(server).onLinkDown(),
      },
    },
  );
  return links;
}

function onFrame({ line, files }: Reporter, id: number, body: Uint8Array): void {
  if (id !== MessageId.ReportStatusAck) throw new LarsProtocolError('BAD_MESSAGE_ID', `the reporter sent message id ${id}`);
  const ack = decodeBody(MessageId.ReportStatusAck, body);
  line.onAck(ack.agent, ack.seq, systemClock.monotonicMs());
  if (line.earlierCount === 0) void files.removeEarlier();
}

function checkLink({ line, files }: Reporter, server: number, links: ServerLinks): void {
  const nowMs = systemClock.monotonicMs();
  const maySwitch = server === links.used && links.hasAlternative(server);
  if ((maySwitch && line.isSilent(nowMs, FAILOVER_ACK_TIMEOUT_MS)) || line.checkOverdue(nowMs))
    links.giveUp(server, 'it does not acknowledge');
  else if (line.owedCount === 0) links.release(server);
  if (line.earlierCount === 0) void files.removeEarlier();
}

function reportBody(
  thread: Thread<ReportThreadData>,
  reporters: readonly Reporter[],
  lines: ReportLines,
  links: ServerLinks,
): ThreadBody<ReporterMessage> {
  const gauges = new SharedCounters<LinkGauge>(linkGauges, thread.data.gauges);
  const { servers } = thread.data.link;
  const housekeeping = setInterval(() => {
    for (const [server, reporter] of reporters.entries()) checkLink(reporter, server, links);
    links.flush();
    showLinks(links, servers, gauges);
    gauges.set(linkGauges.at.waiting, lines.openCount);
  }, housekeepingMs(thread.data.link));
  return {
    port: 0,
    transport: '',
    onMessage: ({ reports }) => {
      for (const report of reports) lines.add(report, systemClock.monotonicMs());
      links.flush();
    },
    stop: async () => {
      clearInterval(housekeeping);
      const ends = await Promise.all(reporters.map((reporter, server) => endReporter(reporter, server, links)));
      links.stop();
      const [open, kept] = [ends.reduce((sum, end) => sum + end.open, 0), ends.reduce((sum, end) => sum + end.kept, 0)];
      if (open === 0) return;
      if (kept === open) thread.log.info('the last reports are kept for the next start', { reports: kept });
      else thread.log.warn('stopped before the reporter said that it has stored the last reports', { reports: open, kept });
    },
  };
}

function endReporter({ line, habit, files }: Reporter, server: number, links: ServerLinks) {
  const connection = {
    get up() {
      return links.isUp(server);
    },
    flush: () => links.flush(),
    connectNow: () => links.connectNow(server),
  };
  return deliverOrKeep({ line, connection, file: files, habit });
}
