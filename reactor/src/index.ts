export { type CloseLeftDeps, closeLeft } from './close-left.ts';
export { createEngine, type EngineDeps, type EngineOptions, RELAY_ENGINES } from './create-engine.ts';
export { Descriptors, loadDescriptors, MESSAGE_MAX, type SendOutcome } from './descriptors/descriptors.ts';
export type { SharedPage } from './descriptors/shared-page.ts';
export * from './engine.ts';
export { encodeLengthPrefixed, FRAME_HEADER_BYTES, LengthPrefixedSplitter } from './framing/frames.ts';
export { LineSplitter } from './framing/lines.ts';
export { type Mapping, ResourceLedger } from './resource-ledger.ts';
export { type HandlerFactory, type HandlerModule, type ReactorContext, startHandler } from './server/handler-module.ts';
export { PoolError, type PoolErrorCode } from './server/pool-client.ts';
export {
  createReactorServer,
  type ReactorServer,
  type ReactorServerDeps,
  type ReactorThread,
} from './server/reactor-server.ts';
export type { ReactorServerOptions } from './server/server-options.ts';
export type { TaskModule, TaskPoolOptions } from './server/task-pool.ts';
export type { ThreadEvent } from './server/thread-health.ts';
export { SocketFile } from './socket-file.ts';
