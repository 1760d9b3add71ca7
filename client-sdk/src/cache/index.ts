/** What the rest of the client uses of the cache. */
export { CacheDriver } from './driver.ts';
export type { HostStats } from './host-stats.ts';
export { pickRecordOf, recordPick, takeBackPick } from './pick-record.ts';
export type { RouteCache } from './route-cache.ts';
