// pure
import type { EngineStats } from './engine.ts';

/** The counters of an engine; it alone writes to them. */
export type EngineCounters = { -readonly [Name in keyof EngineStats]: number };

export function newCounters(): EngineCounters {
  return {
    accepted: 0,
    acceptPauses: 0,
    connectAttempts: 0,
    connected: 0,
    connectFailures: 0,
    connectTimeouts: 0,
    idleTimeouts: 0,
    resetsReceived: 0,
    handlerErrors: 0,
    writeLimitCloses: 0,
    bytesRead: 0,
    bytesWritten: 0,
    bytesSpliced: 0,
    spliceSwitches: 0,
    open: 0,
    relays: 0,
    pipes: 0,
  };
}

/** Counts a connection that was closed. */
export function countClose(counters: EngineCounters, reason: string): void {
  counters.open -= 1;
  if (reason === 'reset') counters.resetsReceived += 1;
  else if (reason === 'connect_failed') counters.connectFailures += 1;
  else if (reason === 'connect_timeout') counters.connectTimeouts += 1;
  else if (reason === 'idle_timeout') counters.idleTimeouts += 1;
  else if (reason === 'handler_error') counters.handlerErrors += 1;
  else if (reason === 'write_limit') counters.writeLimitCloses += 1;
}
