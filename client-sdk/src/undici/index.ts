/** A Dispatcher for fetch and all else of undici, by which hosts with names such as '1-2.lars' are picked by LARS. */
export { type LarsDispatcherOptions, larsDispatcher } from './lars-dispatcher.ts';
