// pure
/** The numbers in the rules of docs/load-balancing.md. The algorithm takes them as they are; the conf loader checks the bounds. */
export interface ClassicOptions {
  /** LB-4, LB-5: picks between two probes. Integer >= 1. */
  readonly probeNum: number;
  /** LB-10: virtual successes with which an idle window starts. Integer >= 0. */
  readonly initSuccCnt: number;
  /** LB-10: virtual errors with which an overload starts. Integer >= 0. */
  readonly initErrCnt: number;
  /** LB-7: an idle host is overloaded above this share of virtual errors. 0..1. */
  readonly errRate: number;
  /** LB-8: an overloaded host is idle above this share of virtual successes. 0..1. */
  readonly succRate: number;
  /** LB-7: an idle host is overloaded after this many failures in a row. Integer >= 1. */
  readonly continErrLimit: number;
  /** LB-8: an overloaded host is idle after this many successes in a row. Integer >= 1. */
  readonly continSuccLimit: number;
  /** LB-9: a window with at least this share of real errors is a bad one. Above 0, at most 1. */
  readonly windowErrRate: number;
  /** LB-9: an idle host is overloaded after this many bad windows in a row. Integer >= 1. */
  readonly windowErrLimit: number;
  /** LB-9: length of an idle host's window, ms. Above 0. */
  readonly idleTimeoutMs: number;
  /** LB-9: how long a host stays overloaded at most, seen at its next report, ms. Above 0. */
  readonly overloadTimeoutMs: number;
  /** LB-6: whether a failure that took long counts as several. */
  readonly tcostAmplify: boolean;
}

/** The values with which agents are shipped. */
export const CLASSIC_DEFAULTS: ClassicOptions = {
  probeNum: 10,
  initSuccCnt: 180,
  initErrCnt: 5,
  errRate: 0.1,
  succRate: 0.5,
  continErrLimit: 15,
  continSuccLimit: 15,
  windowErrRate: 0.7,
  windowErrLimit: 1,
  idleTimeoutMs: 15_000,
  overloadTimeoutMs: 15_000,
  tcostAmplify: true,
};
