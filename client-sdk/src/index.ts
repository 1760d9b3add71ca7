export type { HostAddress } from '@lars/proto';
export type { CallFunction, CallOptions } from './call.ts';
export { isLarsError, LarsError, type LarsErrorCode, type LarsErrorDetails, type LarsErrorOf } from './errors.ts';
export { LarsClient, type RequestOptions } from './lars-client.ts';
export { LarsHost } from './lars-host.ts';
export type { LarsClientOptions } from './options.ts';
export type { CallResult, ReportTarget } from './report.ts';
export type { Route } from './route.ts';
export type { LarsStats } from './stats.ts';
