export { type DnsserverConfig, dnsserverConfigTable } from './config.ts';
export { type DnsserverDeps, type RunningDnsserver, startDnsserver } from './dnsserver.ts';
export type { DnsserverStats } from './dnsserver-stats.ts';
export type { EditMode } from './edit/edit-plan.ts';
export {
  type EditResult,
  type KeptCounts,
  openRouteEditor,
  type RouteEditor,
  type RouteEditorOptions,
  type RouteFilter,
} from './edit/route-editor.ts';
export { type HostEntry, type RouteEntry, RouteError, type RouteErrorCode } from './edit/route-entry.ts';
export { formatRouteFile, parseRouteFile, ROUTE_FILE_FORMATS, type RouteFileFormat } from './edit/route-file.ts';
export type { Route, RouteContent, RouteDiff } from './follow/route-table.ts';
export { RouteStoreError, type RouteStoreErrorCode } from './store/route-store.ts';
