// pure
import { formatModule, type ModuleId, parseModule } from '@lars/proto';
import { formatPlace, type ListenPlace, parsePlace } from '@lars/runtime/listen-place';
import type { ProxyConfig } from '../config.ts';
import { parseServerNames, parseUnixHosts, type ServerNameRule } from './listener-text.ts';

/** A listener as its section says, with what holds for all. Plain data: threads are given it. */
export interface ListenerRules {
  readonly name: string;
  readonly place: ListenPlace;
  /** Undefined: only connections with a server name of `serverNames` are served. */
  readonly module: ModuleId | undefined;
  readonly serverNames: readonly ServerNameRule[];
  /** Paths by 'HOST:PORT'. */
  readonly unixHosts: ReadonlyMap<string, string>;
  readonly policy: ProxyConfig['listeners']['policy'];
  readonly tries: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  readonly lifetimeMs: number;
  readonly maxConnections: number;
  readonly acceptProxy: ProxyConfig['listeners']['accept_proxy'];
  /** Text of networks. */
  readonly proxySources: string;
  readonly headerTimeoutMs: number;
  readonly sendProxy: ProxyConfig['listeners']['send_proxy'];
  readonly sniffTimeoutMs: number;
}

/** What one listener of the conf cannot be, in one line that names its section and key. */
export type ListenersProblem = string;

/**
 * All listeners of a conf, in its order; or what is wrong with one of them. A conf without any gives none.
 * @param added places and modules of `--listen`, beside those of the conf
 */
export function readListeners(
  config: Pick<ProxyConfig, 'listeners' | 'listen'>,
  added: readonly string[] = [],
): readonly ListenerRules[] | ListenersProblem {
  const rules: ListenerRules[] = [];
  for (const [name, own] of config.listen) {
    const one = readListener(`[listen ${name}]`, name, { ...config.listeners, ...own });
    if (typeof one === 'string') return one;
    rules.push(one);
  }
  for (const written of added) {
    const at = written.lastIndexOf('=');
    if (at < 0) return `--listen ${written}: expected ADDRESS=MODID/CMDID`;
    const [address, module] = [written.slice(0, at), written.slice(at + 1)];
    const one = readListener(`--listen ${written}`, address, { ...config.listeners, address, module });
    if (typeof one === 'string') return one;
    rules.push(one);
  }
  const taken = new Map<string, string>();
  for (const { place, name } of rules) {
    const address = formatPlace(place);
    const other = taken.get(address);
    // Port 0 is another one each time.
    if (other !== undefined && !('port' in place && place.port === 0))
      return `two listeners have the address ${address}: ${other} and ${name}`;
    taken.set(address, name);
  }
  return rules;
}

/** All modules to whose hosts connections may go, each once. */
export function modulesOf(rules: readonly ListenerRules[]): readonly ModuleId[] {
  const all = rules.flatMap(({ module, serverNames }) => [module, ...serverNames.map(rule => rule.module)]);
  return [...new Map(all.flatMap(one => (one === undefined ? [] : [[formatModule(one.modid, one.cmdid), one]]))).values()];
}

type Own = ProxyConfig['listeners'] & {
  readonly address?: string;
  readonly module?: string;
  readonly server_names?: string;
  readonly unix_hosts?: string;
};

function readListener(where: string, name: string, own: Own): ListenerRules | ListenersProblem {
  const { address = '', module: moduleText = '', server_names = '', unix_hosts = '' } = own;
  if (address === '') return `${where} has no address`;
  const place = parsePlace(address);
  if (typeof place === 'string') return `${where}: ${place}`;
  const module = parseModule(moduleText);
  if (moduleText !== '' && module === undefined) return `${where}: '${moduleText}' is no module: expected MODID/CMDID`;
  const serverNames = parseServerNames(server_names);
  if (typeof serverNames === 'string') return `${where} server_names: ${serverNames}`;
  if (module === undefined && serverNames.length === 0) return `${where} has neither module nor server_names`;
  const unixHosts = parseUnixHosts(unix_hosts);
  if (typeof unixHosts === 'string') return `${where} unix_hosts: ${unixHosts}`;
  if (own.accept_proxy === 'listed' && own.proxy_sources === '')
    return `${where}: accept_proxy = listed, and proxy_sources lists nobody`;
  return {
    name,
    place,
    module,
    serverNames,
    unixHosts,
    policy: own.policy,
    tries: own.tries,
    connectTimeoutMs: own.connect_timeout,
    idleTimeoutMs: own.idle_timeout,
    halfCloseTimeoutMs: own.half_close_timeout,
    lifetimeMs: own.lifetime,
    maxConnections: own.max_connections,
    acceptProxy: own.accept_proxy,
    proxySources: own.proxy_sources,
    headerTimeoutMs: own.header_timeout,
    sendProxy: own.send_proxy,
    sniffTimeoutMs: own.sniff_timeout,
  };
}
