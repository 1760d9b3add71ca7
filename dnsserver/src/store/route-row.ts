// pure
/** One row of RouteData. SQLite puts any value into any column, so nothing is known of the values yet. */
export interface RouteRow {
  readonly id: unknown;
  readonly modid: unknown;
  readonly cmdid: unknown;
  readonly serverip: unknown;
  readonly serverport: unknown;
  readonly weight: unknown;
  readonly addr: unknown;
  readonly zone: unknown;
  readonly drain: unknown;
}
