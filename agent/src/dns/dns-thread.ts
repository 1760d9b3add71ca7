/** The shell of the dns thread: the TCP link to dnsserver, messages from and to the shards. */
import { LarsProtocolError, MAX_BODY_BYTES, MessageId, shardOf } from '@lars/proto';
import { systemClock } from '@lars/runtime/clock';
import { SharedCounters } from '@lars/runtime/counters';
import { loadSecureLinks } from '@lars/runtime/security/load-secure-links';
import type { OpenLink } from '@lars/runtime/tcp/open-link';
import { type DnsCounter, dnsCounters, type LinkGauge, linkGauges } from '../counters.ts';
import { AwaitedRoutes, RouteUpdateBatcher, unpackRouteQueries } from '../threads/batches.ts';
import { type DnsMessage, type RouteUpdate, SHARD_NAMES, type ShardName } from '../threads/messages.ts';
import { housekeepingMs, type LinkOptions, newServerLinks, type ServerLinks, showLinks } from '../threads/server-links.ts';
import { runThread, type Thread, type ThreadBody } from '../threads/thread.ts';
import { RouteLog } from './route-log.ts';
import { MAX_ROUTE_BYTES, type RouteMemory } from './route-memory.ts';
import { RouteSubscriber } from './route-subscriber.ts';
import { StoredRoutes, type StoredRoutesDeps } from './stored-routes.ts';

export interface DnsThreadData {
  readonly link: LinkOptions;
  readonly counters: SharedArrayBuffer;
  readonly gauges: SharedArrayBuffer;
  /** The routes that the agent knows, also from an earlier run. */
  readonly routes: RouteMemory;
  /** They were confirmed then or later, unix ms. */
  readonly storedAtMs: number;
}

const MAX_OPEN_QUERIES = 200_000;
/** dnsserver gives a connection 200,000 subscriptions by default, of which most should be for modules that exist. */
const MAX_ABSENT_SUBSCRIPTIONS = 50_000;
/** Asking again for a hundred thousand routes that have not changed takes dnsserver part of a second. */
const MIN_LINK_MS = 10_000;
const ANSWER_TIMEOUT_MS = 5_000;
/** The same where another dnsserver may answer, and how long one may be quiet before it is asked for a sign of life. */
const FAILOVER_ANSWER_TIMEOUT_MS = 1_000;
const QUIET_MS = 500;
/** As long as a route may be old without being asked for again. */
const DOUBT_MS = 15_000;

runThread<DnsThreadData, DnsMessage>(async thread => {
  const counters = new SharedCounters<DnsCounter>(dnsCounters, thread.data.counters);
  const subscriber = new RouteSubscriber(
    {
      servers: thread.data.link.servers.length,
      doubtMs: DOUBT_MS,
      maxOpen: MAX_OPEN_QUERIES,
      maxAbsent: MAX_ABSENT_SUBSCRIPTIONS,
      minLinkMs: MIN_LINK_MS,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
    },
    {
      counters,
      send: frame => links.queue(frame),
      isStored: module => stored.has(module),
      onResponse: (response, body) => stored.onResponse(response, body),
      onRoute: ({ modid, cmdid, host, version }) => updates.add({ modid, cmdid, hosts: host, version }),
    },
  );
  const stored = newStoredRoutes(thread, counters, {
    confirmedAtMs: module => (subscriber.isKnown(module) ? linkLostAtMs : thread.data.storedAtMs),
    onRoute: update => {
      counters.add(dnsCounters.at.storedRoutes);
      updates.add(update);
    },
    onNone: module => awaited.add(module),
  });
  const awaited = new AwaitedRoutes((shard, modules) => thread.post(shard, { type: 'routes-awaited', modules }));
  let linkLostAtMs = thread.data.storedAtMs;
  const postUpdates = (shard: ShardName, batch: readonly RouteUpdate[]) =>
    thread.post(shard, { type: 'route-updates', updates: batch });
  const updates = new RouteUpdateBatcher(postUpdates, setImmediate);
  const security = await loadSecureLinks(thread.data.link.security, { log: thread.log, serverName: 'dnsserver' });
  const links = openLinks(thread, counters, subscriber, security.openLink, () => {
    linkLostAtMs = systemClock.unixMs();
    stored.onLinkDown();
    answers.arm();
  });
  const answers = newStoredAnswers(stored, awaited);
  links.start();
  return { ...dnsBody(thread, subscriber, links, stored, awaited, answers), onSecurity: files => security.setSecurity(files) };
});

function openLinks(
  thread: Thread<DnsThreadData>,
  counters: SharedCounters<DnsCounter>,
  subscriber: RouteSubscriber,
  openLink: OpenLink | undefined,
  onLost: () => void,
): ServerLinks {
  const options = { ...thread.data.link, serverName: 'dnsserver', maxBodyBytes: MAX_BODY_BYTES };
  const links = newServerLinks(options, {
    log: thread.log,
    random: Math.random,
    openLink,
    events: {
      onProbe: server => {
        links.queue(subscriber.signOfLifeRequest(), server);
        links.flush();
      },
      onUse: (server, before = server) => {
        if (before !== server) counters.add(server > before ? dnsCounters.at.failovers : dnsCounters.at.returns);
        subscriber.onLinkUp(systemClock.monotonicMs(), server);
        links.flush();
      },
      onFrame: (server, id, body) => {
        if (links.isProbed(server)) {
          if (id !== MessageId.GetRouteResponse) throw new LarsProtocolError('BAD_MESSAGE_ID', `dnsserver sent message id ${id}`);
          links.confirm(server);
        } else subscriber.onFrame(id, body, server);
      },
      onDown: (_, wasUsed) => {
        if (!wasUsed) return;
        subscriber.onLinkDown();
        onLost();
      },
    },
  });
  return links;
}

function newStoredRoutes(
  thread: Thread<DnsThreadData>,
  counters: SharedCounters<DnsCounter>,
  deps: StoredRoutesDeps,
): StoredRoutes {
  const log = new RouteLog(thread.data.routes, MAX_ROUTE_BYTES, {
    onMoved: memory => thread.postToMain({ type: 'route-memory', memory }),
    onDropped: routes => counters.add(dnsCounters.at.storedRoutesDropped, routes),
  });
  return new StoredRoutes(log, deps);
}

interface StoredAnswers {
  /** Call after whatever may have added a query. */
  arm(): void;
  stop(): void;
}

/** Answers from the stored routes when that is due, a slice in each tick of the event loop. */
function newStoredAnswers(stored: StoredRoutes, awaited: AwaitedRoutes): StoredAnswers {
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  const stop = () => {
    clearTimeout(timer);
    dueMs = Number.POSITIVE_INFINITY;
  };
  const arm = () => {
    const nowMs = systemClock.monotonicMs();
    const nextMs = stored.answerDue(nowMs) ?? Number.POSITIVE_INFINITY;
    awaited.flush();
    if (nextMs >= dueMs) return;
    stop();
    dueMs = nextMs;
    timer = setTimeout(
      () => {
        stop();
        arm();
      },
      Math.max(0, nextMs - nowMs),
    );
  };
  return { arm, stop };
}

function checkLinks(subscriber: RouteSubscriber, links: ServerLinks): void {
  const { used } = links;
  const nowMs = systemClock.monotonicMs();
  subscriber.checkDoubted(nowMs);
  if (used === undefined) return;
  const hasAlternative = links.hasAlternative(used);
  if (hasAlternative) subscriber.askIfQuiet(nowMs, QUIET_MS);
  if (subscriber.isOverdue(nowMs, hasAlternative ? FAILOVER_ANSWER_TIMEOUT_MS : ANSWER_TIMEOUT_MS)) {
    links.giveUp(used, 'it does not answer');
  } else if (subscriber.isOversubscribed(nowMs)) {
    links.giveUp(used, 'too many modules that do not exist are subscribed to');
    links.connectNow(used);
  } else if (links.spares.length > 0 && subscriber.isCaughtUp) {
    for (const spare of links.spares) links.release(spare);
  }
  links.flush();
}

function dnsBody(
  thread: Thread<DnsThreadData>,
  subscriber: RouteSubscriber,
  links: ServerLinks,
  stored: StoredRoutes,
  awaited: AwaitedRoutes,
  answers: StoredAnswers,
): ThreadBody<DnsMessage> {
  const gauges = new SharedCounters<LinkGauge>(linkGauges, thread.data.gauges);
  const { servers } = thread.data.link;
  const housekeeping = setInterval(() => {
    checkLinks(subscriber, links);
    showLinks(links, servers, gauges);
    gauges.set(linkGauges.at.waiting, subscriber.openCount);
  }, housekeepingMs(thread.data.link));
  return {
    port: 0,
    transport: '',
    onMessage: ({ queries }) => {
      const nowMs = systemClock.monotonicMs();
      unpackRouteQueries(queries, query => {
        subscriber.query(query, nowMs);
        if (query.version === 0 && !stored.query(query, links.used !== undefined, nowMs)) awaited.add(query);
      });
      links.flush();
      answers.arm();
    },
    onConnect: name => {
      const index = (SHARD_NAMES as readonly string[]).indexOf(name);
      if (index < 0) return;
      const nowMs = systemClock.monotonicMs();
      const refetched = subscriber.refetch(module => shardOf(module.modid, module.cmdid) === index, nowMs);
      for (const module of refetched) stored.query(module, links.used !== undefined, nowMs);
      links.flush();
      answers.arm();
    },
    stop: async () => {
      clearInterval(housekeeping);
      answers.stop();
      links.stop();
    },
  };
}
