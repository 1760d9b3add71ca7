export { type DispatcherDeps, type RunningDispatcher, startDispatcher } from './dispatcher.ts';
export type { DispatcherOptions, WorkerProcessesOptions } from './options.ts';
