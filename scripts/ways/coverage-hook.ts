/**
 * Runs at the start of each thread of the measuring process, before its modules are loaded: V8 counts blocks only in functions that it
 * compiles after the counting began. The counts are set back by every take, so that a take tells what ran since the last one.
 */
import { type Profiler, Session } from 'node:inspector';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { CHANNEL, type FromThread, type ToThreads } from './messages.ts';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

const channel = new BroadcastChannel(CHANNEL);
channel.unref();
channel.onmessage = (event: unknown) => {
  const message = (event as { readonly data: ToThreads | FromThread }).data;
  if (message.type !== 'take') return;
  session.post('Profiler.takePreciseCoverage', (error: Error | null, taken: Profiler.TakePreciseCoverageReturnType) => {
    if (error !== null) throw error;
    const answer: FromThread = { type: 'taken', round: message.round, isMainThread, scripts: taken.result };
    channel.postMessage(answer);
  });
};
