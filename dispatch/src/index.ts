export { type DispatchedOptions, serveDispatched } from './serve-dispatched.ts';
export { type DispatchedService, type EngineWorkerOptions, serveDispatchedOn } from './serve-on-engine.ts';
export { SOCKET_VARIABLE, TICKET_VARIABLE, type WorkerOptions } from './worker-link.ts';
