// pure
/** What the agent's answers mean. */
import { type GetHostResponse, type GetRouteResponse, ReturnCode } from '@lars/proto';
import type { LarsError } from '../errors.ts';
import { noExist, overload, type RequestContext, systemError } from '../failures.ts';
import { isCallable, LarsHost } from '../lars-host.ts';

/** All hosts of a module, whatever their state. */
export interface Route {
  readonly modid: number;
  readonly cmdid: number;
  /** Empty when the agent knows no such module (yet). */
  readonly hosts: readonly LarsHost[];
  /** Some host of the module is overloaded now. Agents of the first generation never say so. */
  readonly overload: boolean;
  /** The route's revision, growing with every change; 0 from agents that do not number routes. */
  readonly version: number;
}

export function readHostAnswer(answer: GetHostResponse, context: RequestContext): LarsHost | LarsError {
  const { retcode, host } = answer;
  if (retcode === ReturnCode.Overload) return overload(context);
  if (retcode === ReturnCode.NoExist) return noExist(context);
  if (retcode !== ReturnCode.Success) return systemError(context, `answered with return code ${retcode}`);
  if (host === undefined || !isCallable(host)) return systemError(context, 'answered without a host that can be called');
  return LarsHost.ofAgent(answer.modid, answer.cmdid, host);
}

/** Hosts that cannot be called (no address, no port) are left out. */
export function readRouteAnswer(answer: GetRouteResponse): Route {
  const { modid, cmdid, overload, version } = answer;
  const hosts = answer.host.filter(isCallable).map(info => new LarsHost(modid, cmdid, info));
  return { modid, cmdid, hosts, overload, version };
}
