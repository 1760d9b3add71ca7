/** The script of a thread that serves connections. */
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { WorkerEntry } from '@lars/runtime/threads/worker-entry';
import { ConnectionLimits } from '../connection-limits.ts';
import { proxyCounters, proxyGauges } from '../counters.ts';
import { type ProxyCore, startCore } from '../proxy-core.ts';
import type { MessageToMain, MessageToThread, ThreadData } from './messages.ts';

const entry = new WorkerEntry<ThreadData, MessageToMain, ProxyCore>(({ thread }) => ({ thread }));
const { thread, threads, options, drainMs, counters, gauges, limits } = entry.data;

entry.run<MessageToThread>({
  start: () =>
    startCore(options, {
      log: entry.log,
      clock: systemClock,
      counters: new SharedCounters(proxyCounters, counters),
      gauges: new SharedCounters(proxyGauges, gauges),
      limits: new ConnectionLimits(options.rules.length, { threads, thread, buffer: limits }),
    }),
  readyMessage: ({ places }) => ({ type: 'ready', places }),
  onMessage: ({ number }) => entry.whenStarted(core => entry.post({ type: 'status', number, status: core.status() })),
  stop: core => core.stop(drainMs),
});
