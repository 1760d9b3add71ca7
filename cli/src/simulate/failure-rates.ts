// pure
import { UsageError } from '../errors.ts';

/** Which share of the calls to a host fails. */
export interface FailureRate {
  /** 'HOST:PORT', or 'HOST' for all its ports. */
  readonly host: string;
  /** 0..1 */
  readonly rate: number;
}

/** What a rate is looked up by; a LarsHost is one. */
export interface NamedHost {
  readonly host: string;
  readonly authority: string;
}

const ASSIGNMENT = /^([^=]+)=([0-9]*\.?[0-9]+)(%?)$/;

/**
 * 'HOST:PORT=RATE' or 'HOST=RATE', the rate as a number in 0..1 or in percent.
 * @throws {UsageError}
 */
export function parseFailureRate(text: string): FailureRate {
  const [, host, number, percent] = ASSIGNMENT.exec(text) ?? [];
  const rate = Number(number) / (percent === '%' ? 100 : 1);
  if (host === undefined || !(rate >= 0 && rate <= 1)) {
    throw new UsageError(`--fail ${text}: expected HOST:PORT=RATE or HOST=RATE with a rate in 0..1 or in percent`);
  }
  return { host: host.toLowerCase(), rate };
}

/** The rate of one host; what names its port comes before what does not, later ones before earlier ones. 0 where none fits. */
export function failureRateOf(rates: readonly FailureRate[], host: NamedHost): number {
  const exact = rates.findLast(rate => rate.host === host.authority);
  const named = exact ?? rates.findLast(rate => isName(rate, host));
  return named?.rate ?? 0;
}

/**
 * @throws {UsageError} when a rate is for a host that the module does not have: it would silently do nothing
 */
export function checkFailureRates(rates: readonly FailureRate[], hosts: readonly NamedHost[]): void {
  for (const rate of rates) {
    if (hosts.some(host => rate.host === host.authority || isName(rate, host))) continue;
    throw new UsageError(`--fail ${rate.host}: the module has no such host; it has ${listHosts(hosts)}`);
  }
}

const MAX_LISTED = 5;

function listHosts(hosts: readonly NamedHost[]): string {
  const shown = hosts.slice(0, MAX_LISTED).map(host => host.authority);
  return hosts.length > MAX_LISTED ? `${shown.join(', ')} and ${hosts.length - MAX_LISTED} more` : shown.join(', ');
}

function isName(rate: FailureRate, { host }: NamedHost): boolean {
  return rate.host === host || rate.host === `[${host}]`;
}
