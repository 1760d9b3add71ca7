export { startDispatcher } from './dispatcher.ts';
export type { DispatcherDeps, DispatcherOptions, WorkerProcessesOptions } from './options.ts';
export type { RunningDispatcher } from './running-dispatcher.ts';
