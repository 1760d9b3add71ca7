import type { SharedCounters } from '@lars/runtime/counters';
import type { Service } from '@lars/runtime/lifecycle';
import type { HandOver } from '@lars/runtime/succession/hand-over';
import type { DispatcherCounter } from './counters.ts';
import type { WorkerDocument } from './dispatcher-metrics.ts';

export interface RunningDispatcher extends Service {
  /** Where it accepts, with the ports that the system has picked. */
  readonly places: readonly string[];
  readonly httpPort: number;
  /** Which engine accepts. */
  readonly engine: string;
  readonly counters: SharedCounters<DispatcherCounter>;
  workers(): readonly WorkerDocument[];
  /** Replaces the workers that it has started, one after the other: the new one is there before the old one drains. */
  roll(): Promise<void>;
  readonly handOver: HandOver;
}
