export { type DispatchedOptions, SOCKET_VARIABLE, serveDispatched, TICKET_VARIABLE } from './serve-dispatched.ts';
