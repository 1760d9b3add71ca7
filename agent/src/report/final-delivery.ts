/** The end of the reporter thread: delivers the last reports, and keeps for the next start what cannot be delivered. */
import { systemClock } from '@lars/runtime/clock';
import type { AckHabit } from './ack-habit.ts';
import { DELIVERY_TIMEOUT_MS } from './delivery-timeout.ts';
import type { ReportLine } from './report-line.ts';
import type { ReporterFiles } from './reporter-files.ts';

/** The same for one that was never heard to acknowledge. */
const UNKNOWN_TIMEOUT_MS = 900;
/** Where no connection comes about for this time, no reporter is there; what was kept waits for the next start. */
const AWAY_TIMEOUT_MS = 1_000;
/** What was not delivered by then is kept already while it is tried: whoever waits for this process may lose patience. */
const KEEP_AFTER_MS = 200;
const POLL_MS = 10;

/** The connection to one reporter. */
export interface ReporterConnection {
  readonly up: boolean;
  flush(): void;
  connectNow(): void;
}

export interface FinalDeliveryDeps {
  readonly line: ReportLine;
  readonly connection: ReporterConnection;
  readonly file: ReporterFiles;
  readonly habit: AckHabit;
}

export interface FinalDelivery {
  /** Reports that the reporter may not have. */
  readonly open: number;
  /** How many of them the next start will send. */
  readonly kept: number;
}

export async function deliverOrKeep({ line, connection, file, habit }: FinalDeliveryDeps): Promise<FinalDelivery> {
  const startMs = systemClock.monotonicMs();
  let lastUpMs = startMs;
  let isKept = false;
  line.drain(startMs);
  while (line.openCount > 0) {
    const nowMs = systemClock.monotonicMs();
    if (connection.up) {
      lastUpMs = nowMs;
      connection.flush();
    } else connection.connectNow();
    const isAway = file.isUsable && nowMs - lastUpMs > AWAY_TIMEOUT_MS;
    const timeoutMs = connection.up && !habit.hasAcknowledged ? UNKNOWN_TIMEOUT_MS : DELIVERY_TIMEOUT_MS;
    if (isAway || nowMs - startMs > timeoutMs) break;
    if (!isKept && nowMs - startMs > KEEP_AFTER_MS) {
      isKept = true;
      await file.write(line.openFrames());
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
  const open = line.openCount;
  const frames = line.openFrames();
  const kept = frames.length === 0 ? 0 : await file.write(frames);
  if (frames.length === 0) await file.remove();
  return { open, kept };
}
