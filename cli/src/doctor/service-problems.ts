// pure
/** What the services' own answers say. */
import { isLinked } from '../output/link-state.ts';
import { counted, formatBytes, formatDuration } from '../output/numbers.ts';
import type { ServiceStatus } from '../system/service-status.ts';
import { absenceProblems, type TakenPort } from './absence.ts';
import { type Problem, soon, wrong } from './problem.ts';
import type { ReachedServer } from './reach-servers.ts';

export interface ServiceFacts {
  readonly status: ServiceStatus;
  /** Of a service that does not answer: its ports that somebody has, the HTTP port first. */
  readonly taken: readonly TakenPort[];
  /** Of the service's process; undefined where it is not to be seen. */
  readonly openFiles: number | undefined;
  /** [tcp] max_connections of its conf; undefined for the agent. */
  readonly maxConnections: number | undefined;
  /** Of the agent: the servers that its conf names. */
  readonly reached?: readonly ReachedServer[];
}

/** Connections are not all that a server has open. */
const FILES_BESIDE_CONNECTIONS = 100;
/** So many rows wait when the reporter's database is too slow. */
const MANY_QUEUED_ROWS = 50_000;

export function serviceProblems({ status, taken, openFiles, maxConnections, reached = [] }: ServiceFacts): Problem[] {
  const { service } = status;
  if (!('health' in status)) return [...absenceProblems(status, taken), ...unreachable(reached)];
  const { health } = status;
  const details = health.details;
  const text = (name: string) => String(details[name] ?? '');
  const number = (name: string) => Number(details[name] ?? 0);
  const found: Problem[] = relayProblems(status);
  if (text('outage') !== '')
    found.push(
      wrong(`${service}: ${text('outage')}`, 'mend its database: the disk, the file and its mode, or who has locked it'),
    );
  if (text('emptyGuard') !== '' && text('emptyGuard') !== 'inactive')
    found.push(
      wrong(
        `dnsserver serves ${text('emptyGuard').split('; ')[0]}`,
        'lars route restore writes them back, lars route confirm lets them go',
      ),
    );
  for (const server of ['dnsserver', 'reporter'] as const)
    if (service === 'agent') found.push(...linkProblems(server, text(server), reached));
  if (number('oldRoutes') > 0)
    found.push(
      soon(
        `${counted(number('oldRoutes'), 'route')} of the agent not confirmed for ${formatDuration(number('oldRoutesAgeSeconds'))}: it was started while dnsserver was away`,
        'start dnsserver, or mend [dnsserver] of agent.ini',
      ),
    );
  if (number('kernelDrops') > 0)
    found.push(
      soon(
        `the kernel has dropped ${counted(number('kernelDrops'), 'datagram')} of the agent: it was busy for too long`,
        `give it CPU, or a larger [udp] receive_buffer (now ${formatBytes(number('receiveBufferBytes'))}; net.core.rmem_max limits it)`,
      ),
    );
  if (text('transportFallback') !== '')
    found.push(
      soon(
        `the agent takes datagrams one by one: ${text('transportFallback')}`,
        'install the optional package koffi: npm ci without --omit=optional',
      ),
    );
  if (number('threadRestarts') > 0)
    found.push(
      soon(
        `${counted(number('threadRestarts'), 'thread')} of the ${service} died and were started again`,
        'look for "died" in its log, and report it',
      ),
    );
  if (number('threadSilences') > 0)
    found.push(
      soon(
        `threads of the agent hung ${counted(number('threadSilences'), 'time')} for 3 s`,
        'give the machine more CPU; see the log for which',
      ),
    );
  if (details['paused'] === true || number('queueRows') > MANY_QUEUED_ROWS)
    found.push(
      soon(
        `the reporter lags: ${counted(number('queueRows'), 'row')} wait to be written`,
        'a faster disk, or fewer modules for each reporter',
      ),
    );
  if (text('clockSkew') !== '')
    found.push(
      soon(
        `the clock of agents' machine ${text('clockSkew')} of the reporter's`,
        'synchronize the clocks (chrony, systemd-timesyncd): reports are dated by their agents',
      ),
    );
  if (text('exposed') !== '')
    found.push(
      soon(
        `other machines reach ${service} (${text('exposed')}), and nothing on the wire is signed`,
        "let a firewall admit the agents' machines alone",
      ),
    );
  if (openFiles !== undefined && maxConnections !== undefined && openFiles < maxConnections + FILES_BESIDE_CONNECTIONS)
    found.push(
      soon(
        `${service} may open ${openFiles} files, and accept ${maxConnections} connections`,
        `raise LimitNOFILE (ulimit -n) above ${maxConnections + FILES_BESIDE_CONNECTIONS}, or lower [tcp] max_connections`,
      ),
    );
  if (openFiles !== undefined && openFiles < number('neededFiles'))
    found.push(tooFewFiles(service, openFiles, number('neededFiles'), details['maxConnections']));
  return found;
}

/** Of the proxy, which accepts no more connections than its files allow, and of a dispatcher, which accepts them when it has files again. */
function tooFewFiles(service: string, openFiles: number, neededFiles: number, accepted: unknown): Problem {
  const what = `the ${service} may open ${openFiles} files, and needs ${neededFiles} for as many connections as it is to have`;
  const raise = `raise LimitNOFILE (ulimit -n) to ${neededFiles}, and start it again`;
  return service === 'proxy'
    ? soon(`${what}: it accepts ${accepted}`, `${raise}, or lower [proxy] max_connections`)
    : soon(`${what}: beyond, clients wait to be accepted`, `${raise}, or lower its --max-waiting`);
}

/** Of the proxy and of dispatchers. */
function relayProblems({ service, health }: Extract<ServiceStatus, { health: unknown }>): Problem[] {
  const { agent, deadThreads = 0, reason, workers = 0 } = health.details;
  if (service === 'dispatcher' && reason !== undefined)
    return [
      workers === 0
        ? wrong(`the dispatcher has no worker: ${reason}`, 'start its program, or see in its log why it ends')
        : soon(`of the dispatcher, ${reason}`, 'more --workers, or see which of them hang: GET /workers on its HTTP port'),
    ];
  if (service !== 'proxy') return [];
  const found: Problem[] = [];
  if (agent === 'away')
    found.push(
      soon(
        'the proxy gets no answer from the agent: it goes on with the routes that it knows',
        'start the agent, or mend [agent] of proxy.ini',
      ),
    );
  if (Number(deadThreads) > 0)
    found.push(wrong(`${counted(Number(deadThreads), 'thread')} of the proxy died`, 'look for "died" in its log, and report it'));
  return found;
}

function linkProblems(server: 'dnsserver' | 'reporter', detail: string, reached: readonly ReachedServer[]): Problem[] {
  const todo = `start ${server} there, or mend [${server}] of agent.ini, or the firewall`;
  const consequence = server === 'dnsserver' ? 'changes of routes do not arrive' : 'call statistics wait, and some may be lost';
  const tried = reached.filter(one => one.server === server);
  const reasons = tried.flatMap(({ address, failure }) => (failure === undefined ? [] : [reason(address, failure)]));
  if (!isLinked(detail)) {
    const what = `the agent has no ${server} at ${detail.replace(' not connected', '')}: ${consequence}`;
    if (reasons.length > 0) return [wrong(`${what} (${reasons.join('; ')})`, todo)];
    const isReached = tried.length > 0;
    return [wrong(what, isReached ? `it can be reached, so see [security] of both, and what agent and ${server} log` : todo)];
  }
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  return detail.includes(' down') ? [soon(`of the agent's ${server}s some are down: ${detail}${why}`, todo)] : [];
}

/** Most failures name the address. */
function reason(address: string, failure: string): string {
  return failure.includes(address) ? failure : `${address}: ${failure}`;
}

/** Of an agent that does not run itself. */
function unreachable(reached: readonly ReachedServer[]): Problem[] {
  return reached.flatMap(({ server, address, failure }) =>
    failure === undefined
      ? []
      : [
          wrong(
            `${server} ${address}, which agent.ini names, cannot be reached: ${failure}`,
            `start ${server} there, or mend [${server}] of agent.ini, or the firewall`,
          ),
        ],
  );
}

/** Services of different versions are fine for an hour, in a rolling update. */
export function versionProblems(statuses: readonly ServiceStatus[], ownVersion: string): Problem[] {
  const versions = new Map<string, string[]>([[ownVersion, ['this command']]]);
  for (const status of statuses) {
    if (!('health' in status)) continue;
    const { version } = status.health;
    versions.set(version, [...(versions.get(version) ?? []), status.service]);
  }
  if (versions.size === 1) return [];
  const all = Array.from(versions, ([version, who]) => `${who.join(', ')} ${version}`).join('; ');
  return [soon(`several versions run: ${all}`, 'restart the older ones')];
}
