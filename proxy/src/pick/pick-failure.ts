import { isLarsError } from '@lars/client-sdk';

/** Why there is no host to connect to: the counter of it, and what a person may want to read. The SDK's own texts are advice for those who write programs. */
export interface PickFailure {
  readonly why: 'refusedNoHosts' | 'refusedUnavailable' | 'refusedNoAgent';
  readonly problem: string;
}

/** @param error of a pick */
export function pickFailure(error: unknown): PickFailure {
  if (isLarsError(error, 'LARS_NO_EXIST')) return { why: 'refusedNoHosts', problem: 'the agent knows no host of the module' };
  if (isLarsError(error, 'LARS_OVERLOAD'))
    return { why: 'refusedUnavailable', problem: 'no host of the module may be called now' };
  const why = 'refusedNoAgent';
  if (isLarsError(error, 'LARS_AGENT_SILENT', 'LARS_AGENT_UNREACHABLE'))
    return { why, problem: 'the agent does not answer, and no route of the module is known here' };
  if (isLarsError(error, 'LARS_SYSTEM_ERROR')) return { why, problem: 'the agent cannot say a host: its log has the reason' };
  if (isLarsError(error, 'LARS_TOO_MANY_PENDING'))
    return { why, problem: 'too many connections wait for an answer of the agent' };
  if (isLarsError(error, 'LARS_CLOSED')) return { why, problem: 'the proxy ends' };
  return { why, problem: error instanceof Error ? error.message : String(error) };
}
