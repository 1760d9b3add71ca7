/** The script of a thread that serves connections. */
import { ResourceLedger } from '@lars/reactor';
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { withoutTermination } from '@lars/runtime/threads/termination-lock';
import { WorkerEntry } from '@lars/runtime/threads/worker-entry';
import { ConnectionLimits } from '../connection-limits.ts';
import { proxyCounters, proxyGauges } from '../counters.ts';
import { type ProxyCore, startCore } from '../proxy-core.ts';
import type { MessageToMain, MessageToThread, ThreadData } from './messages.ts';

const entry = new WorkerEntry<ThreadData, MessageToMain, ProxyCore>(({ thread }) => ({ thread }));
const { thread, threads, options, counters, gauges, limits, ledger, lock } = entry.data;
/** Main says it before it stops the thread. */
let drainMs = 0;

entry.run<MessageToThread>({
  start: () =>
    withoutTermination(lock, () =>
      startCore(options, {
        log: entry.log,
        clock: systemClock,
        counters: new SharedCounters(proxyCounters, counters),
        gauges: new SharedCounters(proxyGauges, gauges),
        limits: new ConnectionLimits(options.rules.length, { threads, thread, buffer: limits }),
        ...(ledger === undefined ? {} : { ledger: new ResourceLedger(ledger) }),
      }),
    ),
  readyMessage: ({ places }) => ({ type: 'ready', places }),
  onMessage: message => entry.whenStarted(core => void onMessage(core, message)),
  stop: core => core.stop(drainMs),
});

async function onMessage(core: ProxyCore, message: Exclude<MessageToThread, { readonly type: 'stop' }>): Promise<void> {
  switch (message.type) {
    case 'tellStatus':
      entry.post({ type: 'status', number: message.number, status: core.status() });
      return;
    case 'serve':
      await core.serve(message.descriptors);
      entry.post({ type: 'done', number: message.number, fds: [] });
      return;
    case 'leave':
      entry.post({ type: 'done', number: message.number, fds: core.leave(message.sockets) });
      return;
    case 'limitDrain':
      drainMs = message.drainMs;
      core.limitDrain(drainMs);
  }
}
