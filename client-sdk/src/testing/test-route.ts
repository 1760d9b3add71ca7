// pure
import type { HostInfo } from '@lars/proto';
import { LarsHost } from '../lars-host.ts';
import { readAddress } from '../report.ts';
import type { Route } from '../route.ts';
import { badArgument, checkKeys } from '../validation.ts';

/** A host of a test: 'ADDRESS:PORT', alone or with what else its route says of it. */
export type TestHost =
  | string
  | {
      readonly host: string;
      readonly weight?: number | undefined;
      readonly zone?: string | undefined;
      readonly drain?: boolean | undefined;
    };

const HOST_KEYS = ['host', 'weight', 'zone', 'drain'];

/** A route whose hosts are picked in turn, those that do not drain. */
export class TestRoute {
  readonly route: Route;
  readonly #callable: readonly LarsHost[];
  #picks = 0;

  /** @throws {LarsError} LARS_BAD_ARGUMENT naming the host that is none */
  constructor(modid: number, cmdid: number, hosts: readonly TestHost[], version: number) {
    if (!Array.isArray(hosts)) throw badArgument('hosts', 'an array of hosts', hosts);
    const made = hosts.map(host => new LarsHost(modid, cmdid, readHost(host)));
    this.route = { modid, cmdid, hosts: made, overload: false, version };
    this.#callable = made.filter(host => !host.drain);
  }

  /** Undefined where no host may be called. */
  pick(): LarsHost | undefined {
    return this.#callable[this.#picks++ % this.#callable.length];
  }
}

function readHost(given: TestHost): HostInfo {
  if (typeof given === 'string') return { ...readAddress(given), weight: 0, zone: '', drain: false };
  checkKeys('host', given, HOST_KEYS);
  const { host, weight = 0, zone = '', drain = false } = given;
  if (!Number.isInteger(weight) || weight < 0) throw badArgument('weight', 'an integer of at least 0', weight);
  if (typeof zone !== 'string') throw badArgument('zone', 'a text', zone);
  if (typeof drain !== 'boolean') throw badArgument('drain', 'true or false', drain);
  return { ...readAddress(host), weight, zone, drain };
}
