import { setFlagsFromString } from 'node:v8';

/**
 * Keeps what V8 has compiled while there is nothing to do. Eight seconds after the last burst V8 looks for memory to give back, lets go of the shapes of objects of which none is left, such
 * as a server's connections, and with them of all code that was compiled for these: the next burst begins anew, at several times the cost for each call, for tens of thousands of calls. Ordinary
 * collections, which come with work, go on; what an idle process keeps is the garbage since the last of them. The flag is of the whole process: call it in the main thread, before there is work.
 */
export function keepCompiledCode(): void {
  setFlagsFromString('--memory-reducer-gc-count=0');
}
