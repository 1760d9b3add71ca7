/** What a client tells of its calls and of the agent to those who subscribe, by node:diagnostics_channel. Nobody pays for it as long as nobody does. */
import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { LarsHost } from './lars-host.ts';
import type { CallResult, ReportTarget } from './report.ts';

/** One `call`, told at its start, and again, the same object with more in it, at its end. */
export interface LarsCallEvent {
  readonly modid: number;
  readonly cmdid: number;
  /** The host that was picked; undefined until then, and where none could be. */
  host?: LarsHost;
  /** As it was reported; undefined where nothing was: no host was picked, or the caller aborted. */
  ok?: boolean;
  /** How long the function took, milliseconds; undefined where `ok` is. */
  tcostMs?: number;
}

/** One result, of `report` or `call`, of a dispatcher or of an agent of node:http. */
export interface LarsReportEvent {
  readonly host: ReportTarget;
  readonly ok: boolean;
  /** Milliseconds; undefined where the caller did not time the call. */
  readonly tcostMs: number | undefined;
}

/** One of the agent's three servers, as one client sees it. */
export interface LarsAgentEvent {
  /** 'ADDRESS:PORT' of the server. */
  readonly agent: string;
  /** Since when it was away, milliseconds; 0 where it has only just gone. */
  readonly awayForMs: number;
}

/** The channels, typed. Their names are `lars:report` and so on; that of `call` is a tracing channel, `tracing:lars:call:start` and so on. */
export const larsChannels: {
  readonly call: TracingChannel<LarsCallEvent>;
  readonly report: Channel<LarsReportEvent>;
  readonly agentAway: Channel<LarsAgentEvent>;
  readonly agentBack: Channel<LarsAgentEvent>;
  readonly fallbackStart: Channel<LarsAgentEvent>;
  readonly fallbackEnd: Channel<LarsAgentEvent>;
} = {
  call: tracingChannel('lars:call'),
  report: channel('lars:report'),
  agentAway: channel('lars:agent:away'),
  agentBack: channel('lars:agent:back'),
  fallbackStart: channel('lars:fallback:start'),
  fallbackEnd: channel('lars:fallback:end'),
};

/** To be called where somebody has subscribed. */
export function publishReport(host: ReportTarget, { ok, tcostMs }: CallResult): void {
  larsChannels.report.publish({ host, ok, tcostMs });
}
