export { type DispatcherDeps, type RunningDispatcher, startDispatcher } from './dispatcher.ts';
export { type DispatcherOptions, formatPlace, type ListenPlace, type WorkerProcessesOptions } from './options.ts';
