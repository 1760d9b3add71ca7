export { type DnsserverConfig, dnsserverConfigTable } from './config.ts';
export { type DnsserverOptions, type RunningDnsserver, startDnsserver } from './dnsserver.ts';
export type { DnsserverStats } from './dnsserver-stats.ts';
export type { EditMode } from './routes/edit-plan.ts';
export type { ModuleId, Route, RouteContent, RouteDiff } from './routes/route.ts';
export {
  type EditResult,
  openRouteEditor,
  type RouteEditor,
  type RouteEditorOptions,
  type RouteFilter,
} from './routes/route-editor.ts';
export type { HostEntry, RouteEntry } from './routes/route-entry.ts';
export { RouteError, type RouteErrorCode } from './routes/route-error.ts';
export { formatRouteFile, parseRouteFile, ROUTE_FILE_FORMATS, type RouteFileFormat } from './routes/route-file.ts';
export { RouteStoreError, type RouteStoreErrorCode } from './routes/route-store.ts';
