// pure
/** What the agent's answers mean. */
import { type GetHostResponse, type GetRouteResponse, isCallable, ReturnCode } from '@lars/proto';
import { type LarsError, noExistError, overloadError, type RequestContext, systemError } from '../errors.ts';
import { LarsHost } from '../lars-host.ts';
import type { Route } from '../route.ts';

export function readHostAnswer(answer: GetHostResponse, context: RequestContext): LarsHost | LarsError {
  const { retcode, host } = answer;
  if (retcode === ReturnCode.Overload) return overloadError(context);
  if (retcode === ReturnCode.NoExist) return noExistError(context);
  if (retcode !== ReturnCode.Success) return systemError(context, `answered with return code ${retcode}`);
  if (host === undefined || !isCallable(host)) return systemError(context, 'answered without a host that can be called');
  return new LarsHost(answer.modid, answer.cmdid, host);
}

/** Hosts that cannot be called (no address, no port) are left out. */
export function readRouteAnswer(answer: GetRouteResponse): Route {
  const { modid, cmdid, overload, version } = answer;
  const hosts = answer.host.filter(isCallable).map(info => new LarsHost(modid, cmdid, info));
  return { modid, cmdid, hosts, overload, version };
}
