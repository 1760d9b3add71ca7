/** Every request that an agent has read gets one answer, and what is answered has been in a published route. */
import { decodeBody, formatHost, HEADER_BYTES, MessageId, type ModuleId, ReturnCode, readMessageId } from '@lars/proto';
import { kernel } from '../host/kernel.ts';
import type { Machine } from '../host/machine.ts';
import type { DatagramTaps, Place } from '../host/network.ts';
import { AGENT_PORT } from '../parts/cluster-config.ts';

/** More than any request is parked for. */
const ANSWERED_MS = 2_000;

interface Open {
  readonly machine: Machine;
  /** Answers that must come. */
  readonly owed: number;
  /** Answers that may come, or not: a thread has died meanwhile. */
  readonly excused: number;
  /** When the last one that is owed must be there. */
  readonly dueMs: number;
}

const ANSWER_OF: Readonly<Record<number, number>> = {
  [MessageId.GetHostRequest]: MessageId.GetHostResponse,
  [MessageId.ApiGetRouteRequest]: MessageId.ApiGetRouteResponse,
};
const ANSWERS = new Set(Object.values(ANSWER_OF));

export interface AnswerCheckDeps {
  wasPublished(modid: number, cmdid: number, authority: string): boolean;
  /** The module has had hosts all the time, so that no restart of anything may make it one that does not exist. */
  isAlwaysThere(module: ModuleId): boolean;
  /** What an agent knew, the next one of its machine knows. */
  readonly isRemembered: boolean;
  /** The machine's agent stops: it answers what it can. */
  isStopping(machine: Machine): boolean;
  /** When the agent of a machine goes on that hangs, or a thread of it. */
  goesOnAtMs(machine: Machine): number;
}

/** So long after an agent has first named a host of a module, its file and all dnsservers have it. */
const WELL_KNOWN_MS = 12_000;

export class AnswerCheck implements Pick<DatagramTaps, 'onSent' | 'onRead'> {
  readonly #deps: AnswerCheckDeps;
  readonly #open = new Map<string, Open>();
  /** When the agent of each machine first named a host of a module that is always there. */
  readonly #knownSinceMs = new Map<Machine, number>();

  constructor(deps: AnswerCheckDeps) {
    this.#deps = deps;
  }

  onRead(from: Place, to: Place, bytes: Uint8Array): void {
    if (!isAgentPort(to.port)) return;
    const answerId = ANSWER_OF[readMessageId(bytes, 0)];
    if (answerId === undefined) return;
    const key = keyOf(from, answerId, bytes);
    kernel.trace(`${to.machine.name}:${to.port} has read ${key}`);
    const { owed = 0, excused = 0 } = this.#open.get(key) ?? {};
    this.#open.set(key, { machine: to.machine, owed: owed + 1, excused, dueMs: kernel.nowMs + ANSWERED_MS });
  }

  onSent(from: Place, to: Place, bytes: Uint8Array): void {
    if (!isAgentPort(from.port)) return;
    const id = readMessageId(bytes, 0);
    if (!ANSWERS.has(id)) return;
    if (id === MessageId.GetHostResponse) this.#checkHost(from, bytes);
    const key = keyOf(to, id, bytes);
    kernel.trace(`${from.machine.name}:${from.port} answers ${key}`);
    const open = this.#open.get(key);
    if (open === undefined) kernel.violate(`the agent of ${from.machine.name} answers what was not asked, or twice`);
    else if (open.owed + open.excused === 1) this.#open.delete(key);
    else if (open.owed > 0) this.#open.set(key, { ...open, owed: open.owed - 1 });
    else this.#open.set(key, { ...open, excused: open.excused - 1 });
  }

  /** The agent of the machine has ended. @param inOrder it must have answered what it had read */
  onAgentEnd(machine: Machine, inOrder: boolean): void {
    for (const [key, open] of this.#open) {
      if (open.machine !== machine) continue;
      if (inOrder && open.owed > 0) kernel.violate(`the agent of ${machine.name} has stopped without an answer to ${key}`);
      this.#open.delete(key);
    }
  }

  /** A thread of the agent has died, and with it what it was to answer. */
  onThreadDeath(machine: Machine): void {
    for (const [key, open] of this.#open) {
      if (open.machine === machine) this.#open.set(key, { ...open, owed: 0, excused: open.owed + open.excused });
    }
  }

  check(): void {
    for (const [key, { machine, owed, dueMs }] of this.#open) {
      if (owed > 0 && dueMs < kernel.nowMs && this.#deps.goesOnAtMs(machine) + ANSWERED_MS < kernel.nowMs)
        kernel.violate(`the agent of ${machine.name} has not answered ${key}`);
    }
  }

  #checkHost({ machine }: Place, bytes: Uint8Array): void {
    const { modid, cmdid, host, retcode } = decodeBody(MessageId.GetHostResponse, bytes.subarray(HEADER_BYTES));
    if (retcode === ReturnCode.NoExist) this.#checkAbsence(machine, { modid, cmdid });
    if (host === undefined || (host.ip === 0 && host.addr === '')) return;
    const authority = formatHost(host);
    if (this.#deps.isAlwaysThere({ modid, cmdid }) && !this.#knownSinceMs.has(machine))
      this.#knownSinceMs.set(machine, kernel.nowMs);
    if (!this.#deps.wasPublished(modid, cmdid, authority))
      kernel.violate(`the agent of ${machine.name} names ${authority} for ${modid}/${cmdid}, which was never published`);
  }

  #checkAbsence(machine: Machine, module: ModuleId): void {
    const { isAlwaysThere, isRemembered, isStopping } = this.#deps;
    const isWellKnown = (this.#knownSinceMs.get(machine) ?? Number.POSITIVE_INFINITY) + WELL_KNOWN_MS < kernel.nowMs;
    if (isRemembered && isWellKnown && isAlwaysThere(module) && !isStopping(machine))
      kernel.violate(
        `the agent of ${machine.name} says that ${module.modid}/${module.cmdid} does not exist, which it knows well`,
      );
  }
}

export function isAgentPort(port: number): boolean {
  return port >= AGENT_PORT && port < AGENT_PORT + 3;
}

/** Request and answer have the same: the caller's port, the module, and of a getHost the sequence number. */
function keyOf(caller: Place, answerId: number, bytes: Uint8Array): string {
  const body = bytes.subarray(HEADER_BYTES);
  const place = `${caller.machine.name}:${caller.port}`;
  switch (readMessageId(bytes, 0)) {
    case MessageId.GetHostRequest:
      return keyOfHost(place, decodeBody(MessageId.GetHostRequest, body));
    case MessageId.GetHostResponse:
      return keyOfHost(place, decodeBody(MessageId.GetHostResponse, body));
    case MessageId.ApiGetRouteRequest:
      return keyOfRoute(place, decodeBody(MessageId.ApiGetRouteRequest, body));
    default:
      return keyOfRoute(place, decodeBody(answerId as typeof MessageId.ApiGetRouteResponse, body));
  }
}

const keyOfHost = (place: string, { seq, modid, cmdid }: ModuleId & { readonly seq: number }): string =>
  `getHost ${seq} for ${modid}/${cmdid} of ${place}`;
const keyOfRoute = (place: string, { modid, cmdid }: ModuleId): string => `getRoute for ${modid}/${cmdid} of ${place}`;
