/** What every process takes stays bounded: what waits, what is remembered, what is scheduled, what is open. */
import type { LarsClient } from '@lars/client-sdk';
import type { RunningDnsserver } from '@lars/dnsserver';
import type { RunningReporter } from '@lars/reporter';
import { kernel } from '../host/kernel.ts';
import type { SimulatedProcess } from '../host/process.ts';

/** Far more than a well process has at a time; what leaks passes it soon. */
const MAX_SCHEDULED = 600;
/** Of a thread. A server has one for each agent, and for some moments those that are gone. */
const MAX_SOCKETS = 60;
const MAX_PENDING = 400;

export function checkProcess(process: SimulatedProcess): void {
  expectAtMost(
    process.name,
    'scheduled events',
    process.scheduled,
    MAX_SCHEDULED + 400 * (process.goesOnAtMs > kernel.nowMs ? 1 : 0),
  );
  expectAtMost(process.name, 'open sockets', process.sockets, MAX_SOCKETS);
}

/** @param maxRows of the reporter's conf, [queue] max_rows */
export function checkReporter(name: string, reporter: RunningReporter, maxRows: number): void {
  const { queueRows, queueReports, parkedResults, agents, connections } = reporter.stats();
  // What was read already when the queue became full is taken too: a chunk of each connection.
  const room = 60 * (connections + 1);
  expectAtMost(name, 'rows in the queue', queueRows, maxRows + room);
  expectAtMost(name, 'reports in the queue', queueReports, maxRows + room);
  expectAtMost(name, 'parked results', parkedResults, maxRows + room);
  expectAtMost(name, 'agents known', agents, 2 * MAX_SOCKETS);
  const { closedBadLength, closedBadMessageId, closedBadBody } = reporter.tcpCounters.toObject();
  expectAtMost(name, 'connections closed for what was read', closedBadLength + closedBadMessageId + closedBadBody, 0);
}

/** @param agents that there are; each connection of theirs subscribes to a module once */
export function checkDnsserver(name: string, dnsserver: RunningDnsserver, modules: number): void {
  const { connections, subscriptions } = dnsserver.stats();
  expectAtMost(name, 'subscriptions', subscriptions, modules * connections);
}

export function checkClient(name: string, client: LarsClient, modules: number): void {
  const { pending, copies, droppedResults } = client.stats();
  expectAtMost(name, 'pending requests', pending, MAX_PENDING);
  expectAtMost(name, 'copies of routes', copies, modules);
  expectAtMost(name, 'dropped results', droppedResults, 0);
}

function expectAtMost(who: string, what: string, count: number, most: number): void {
  if (count > most) kernel.violate(`${who} has ${count} ${what}, at most ${most} were expected`);
}
