export { type RunningDispatcher, startDispatcher } from './dispatcher.ts';
export type { DispatcherDeps, DispatcherOptions, WorkerProcessesOptions } from './options.ts';
