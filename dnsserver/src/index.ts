export { type DnsserverConfig, dnsserverConfigTable } from './config.ts';
export { type DnsserverDeps, type RunningDnsserver, startDnsserver } from './dnsserver.ts';
export type { DnsserverStats } from './dnsserver-stats.ts';
export type { Differences, HostDifference } from './edit/differences.ts';
export type { EditMode } from './edit/edit-plan.ts';
export { UndoConflict } from './edit/plan-undo.ts';
export { parseRouteDocument } from './edit/route-document.ts';
export {
  type EditPreview,
  type EditResult,
  type KeptCounts,
  openRouteEditor,
  type RouteEditor,
  type RouteEditorOptions,
} from './edit/route-editor.ts';
export { type HostEntry, type RouteEntry, RouteError, type RouteErrorCode } from './edit/route-entry.ts';
export { formatRouteLines, parseRouteFile } from './edit/route-file.ts';
export { openRouteInspector, type RouteFilter, type RouteHistory, type RouteInspector } from './edit/route-inspector.ts';
export type { Route, RouteContent, RouteDiff } from './follow/route-table.ts';
export type { ChangeSet } from './store/history-store.ts';
export { RouteStoreError, type RouteStoreErrorCode } from './store/route-store.ts';
