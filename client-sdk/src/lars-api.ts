// pure
import type { CallFunction, CallOptions } from './call.ts';
import type { LarsHost } from './lars-host.ts';
import type { CallResult, ReportTarget } from './report.ts';
import type { RequestOptions } from './request-options.ts';
import type { Route } from './route.ts';

/**
 * What business code needs of LARS, to be written against: `LarsClient` is one, and so is the agent in memory of `@lars/client-sdk/testing`. Each
 * method is described at LarsClient.
 */
export interface LarsApi extends AsyncDisposable {
  getHost(modid: number, cmdid: number, options?: RequestOptions): Promise<LarsHost>;
  tryGetHost(modid: number, cmdid: number): LarsHost | undefined;
  getRoute(modid: number, cmdid: number, options?: RequestOptions): Promise<Route>;
  register(modid: number, cmdid: number, options?: RequestOptions): Promise<Route>;
  report(host: ReportTarget, result: CallResult): void;
  call<T>(modid: number, cmdid: number, run: CallFunction<T>, options?: CallOptions<T>): Promise<T>;
  close(): Promise<void>;
}
