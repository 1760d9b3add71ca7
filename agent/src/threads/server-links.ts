import { systemClock } from '@lars/runtime/clock';
import type { ServerAddress } from '@lars/runtime/config/address-list';
import { formatAddress } from '@lars/runtime/config/address-list';
import type { SharedCounters } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { LinkSecurity } from '@lars/runtime/security/link-security';
import { FailoverClient, type FailoverEvents } from '@lars/runtime/tcp/failover-client';
import { FramedClient, type FramedClientOptions } from '@lars/runtime/tcp/framed-client';
import type { OpenLink } from '@lars/runtime/tcp/open-link';
import { type LinkGauge, linkGauges } from '../counters.ts';

/** The TCP links of one thread of the agent, as the conf has them. Plain data: it crosses threads. */
export interface LinkOptions {
  /** In the order of preference; never none. */
  readonly servers: readonly ServerAddress[];
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** What protects them when the thread starts. */
  readonly security: LinkSecurity;
}

export interface ServerLinksOptions extends Omit<LinkOptions, 'security'> {
  /** Names the servers in the log: 'dnsserver'. */
  readonly serverName: string;
  readonly maxBodyBytes: number;
}

export interface ServerLinksDeps {
  readonly log: Logger;
  readonly events: FailoverEvents;
  /** Uniform in [0, 1), for pauses. */
  random(): number;
  isWanted?(server: number): boolean;
  /** How a connection is made; undefined or left out: by TCP alone. */
  readonly openLink?: OpenLink | undefined;
}

/** What both kinds of links can do; FailoverClient describes it. */
export type ServerLinks = Pick<
  FailoverClient,
  | 'used'
  | 'spares'
  | 'isDown'
  | 'hasAlternative'
  | 'isProbed'
  | 'isUp'
  | 'start'
  | 'queue'
  | 'flush'
  | 'connectNow'
  | 'confirm'
  | 'release'
  | 'giveUp'
  | 'stop'
>;

const HOUSEKEEPING_MS = 500;
/** Where another server may answer, and silence is to be noticed soon. */
const FAILOVER_HOUSEKEEPING_MS = 100;
const CONNECT_TIMEOUT_MS = 3_000;
/** Where another server may answer. */
const FAILOVER_CONNECT_TIMEOUT_MS = 1_000;
const RETURN_MS = 10_000;
const PROBE_TIMEOUT_MS = 1_000;
const LINGER_MS = 10_000;
const PARTIAL_FRAME_TIMEOUT_MS = 10_000;
const MAX_WRITE_BUFFER_BYTES = 64 * 1_024 * 1_024;

/** How often a thread should look whether its servers are silent. */
export function housekeepingMs({ servers }: Pick<LinkOptions, 'servers'>): number {
  return servers.length === 1 ? HOUSEKEEPING_MS : FAILOVER_HOUSEKEEPING_MS;
}

/** A single server is waited for; of several the first that answers is used. */
export function newServerLinks(options: ServerLinksOptions, deps: ServerLinksDeps): ServerLinks {
  const [first, ...others] = options.servers as readonly [ServerAddress, ...ServerAddress[]];
  if (others.length === 0) return new SoleServerLink(clientOptions(options, first, CONNECT_TIMEOUT_MS, deps), deps.events);
  const { serverName, servers, backoffMinMs, backoffMaxMs } = options;
  return new FailoverClient(
    {
      servers: servers.map(formatAddress),
      serverName,
      returnMs: RETURN_MS,
      probeTimeoutMs: PROBE_TIMEOUT_MS,
      lingerMs: LINGER_MS,
      backoffMinMs,
      backoffMaxMs,
    },
    {
      ...deps,
      connect: (server, events) =>
        new FramedClient(clientOptions(options, servers[server] as ServerAddress, FAILOVER_CONNECT_TIMEOUT_MS, deps), events),
    },
    deps.events,
  );
}

/** Shows which server is used, since when, and which are down. Call it now and then. */
export function showLinks(links: ServerLinks, servers: readonly ServerAddress[], gauges: SharedCounters<LinkGauge>): void {
  const { at } = linkGauges;
  const used = links.used === undefined ? 0 : links.used + 1;
  if (used !== gauges.get('server')) {
    gauges.set(at.server, used);
    gauges.set(at.serverSinceTimestampSeconds, Math.floor(systemClock.unixMs() / 1_000));
  }
  gauges.set(at.linkUp, used === 0 ? 0 : 1);
  gauges.set(
    at.downServers,
    servers.reduce((bits, _, server) => bits + (links.isDown(server) ? 2 ** server : 0), 0),
  );
}

function clientOptions(
  { serverName, maxBodyBytes, backoffMinMs, backoffMaxMs }: ServerLinksOptions,
  { host, port }: ServerAddress,
  connectTimeoutMs: number,
  { log, random, openLink }: ServerLinksDeps,
): FramedClientOptions {
  return {
    host,
    port,
    backoffMinMs,
    backoffMaxMs,
    serverName,
    log,
    connectTimeoutMs,
    limits: { maxBodyBytes, partialFrameTimeoutMs: PARTIAL_FRAME_TIMEOUT_MS, maxWriteBufferBytes: MAX_WRITE_BUFFER_BYTES },
    random,
    ...(openLink === undefined ? {} : { openLink }),
  };
}

/** The link where there is one server: there is nothing to choose. */
class SoleServerLink implements ServerLinks {
  readonly #client: FramedClient;

  constructor(options: FramedClientOptions, events: FailoverEvents) {
    this.#client = new FramedClient(options, {
      onUp: () => events.onUse(0, undefined),
      onFrame: (id, body) => events.onFrame(0, id, body),
      onDown: () => events.onDown(0, true),
    });
  }

  get used(): number | undefined {
    return this.#client.up ? 0 : undefined;
  }

  get spares(): readonly number[] {
    return [];
  }

  isDown(): boolean {
    return !this.#client.up;
  }

  hasAlternative(): boolean {
    return false;
  }

  isUp(): boolean {
    return this.#client.up;
  }

  start(): void {
    this.#client.start();
  }

  queue(bytes: Uint8Array): boolean {
    return this.#client.queue(bytes);
  }

  flush(): void {
    this.#client.flush();
  }

  connectNow(): void {
    this.#client.connectNow();
  }

  isProbed(): boolean {
    return false;
  }

  confirm(): void {}

  release(): void {}

  giveUp(_server: number, why: string): void {
    this.#client.reconnect(why);
  }

  stop(): void {
    this.#client.stop();
  }
}
