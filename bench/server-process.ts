/** A server as a process of its own: the one of `lars bench`, under the name that is used here. */
export { ChildServer as ServerProcess } from '../cli/src/bench/child-server.ts';
