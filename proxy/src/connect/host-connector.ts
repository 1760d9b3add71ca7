import { isLarsError, type LarsApi } from '@lars/client-sdk';
import { isPort, type ModuleId } from '@lars/proto';
import type { Connection, Engine } from '@lars/reactor';
import type { SharedCounters } from '@lars/runtime/counters';
import { messageOf } from '@lars/runtime/errors';
import { type ProxyCounter, proxyCounters } from '../counters.ts';
import type { ClientIntake } from '../listen/client-intake.ts';
import type { ListenerRules } from '../listen/listener-rules.ts';
import type { HostPick, HostPicker } from '../pick/host-picker.ts';
import type { HostTable } from '../pick/host-table.ts';
import { HostAttempt } from './host-attempt.ts';
import type { NameResolver } from './name-resolver.ts';
import { type Opening, type OpenResult, openHost } from './open-host.ts';

export interface HostConnectorDeps {
  readonly engine: Engine;
  readonly lars: Pick<LarsApi, 'report'>;
  readonly hosts: HostTable;
  readonly names: NameResolver;
  readonly counters: SharedCounters<ProxyCounter>;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** Why no host was come to: the counter of it, and what a person may want to read. */
export type Refusal =
  | 'refusedHostLimit'
  | 'refusedNoHosts'
  | 'refusedUnavailable'
  | 'refusedNoAgent'
  | 'refusedNoHostLeft'
  | 'refusedExhausted'
  | 'clientsGone';

export type ConnectOutcome =
  | { readonly kind: 'connected'; readonly attempt: HostAttempt; readonly connection: Connection; readonly tries: number }
  | { readonly kind: 'refused'; readonly why: Refusal; readonly problem: string; readonly tries: number };

export interface ConnectWish {
  readonly module: ModuleId;
  readonly rules: ListenerRules;
  /** What the client is known by. */
  readonly key: string;
  readonly intake: ClientIntake;
}

const KEEP_ALIVE_MS = 60_000;
const at = proxyCounters.at;

/** Comes to a host for a client: picks one, connects, and where that fails reports it and tries the next, as often as the listener says. */
export class HostConnector {
  readonly #deps: HostConnectorDeps;

  constructor(deps: HostConnectorDeps) {
    this.#deps = deps;
  }

  async connect(picker: HostPicker, { module, rules, key, intake }: ConnectWish): Promise<ConnectOutcome> {
    const tried = new Set<string>();
    let problem = 'every host has its limit of connections';
    while (tried.size < rules.tries) {
      const refuse = (why: Refusal, text = problem): ConnectOutcome => ({
        kind: 'refused',
        why,
        problem: text,
        tries: tried.size,
      });
      let pick: HostPick | undefined;
      try {
        pick = await picker.pick({ module, key, tried });
      } catch (error) {
        // After failed hosts those matter, and not that the agent now knows none.
        return tried.size > 0 ? refuse('refusedNoHostLeft') : refuse(refusalOf(error), messageOf(error));
      }
      if (pick === undefined) return refuse(tried.size > 0 ? 'refusedNoHostLeft' : 'refusedHostLimit');
      if (tried.size > 0) this.#deps.counters.add(at.retries);
      tried.add(pick.host.authority);
      const attempt = this.#newAttempt(pick);
      const result = await this.#open(attempt, rules, intake);
      if (result.kind === 'open') {
        attempt.connected();
        return { kind: 'connected', attempt, connection: result.connection, tries: tried.size };
      }
      if (result.kind === 'failed') {
        this.#deps.counters.add(result.isTimeout ? at.connectTimeouts : at.connectFailures);
        attempt.settle(false);
      }
      attempt.release();
      if (result.kind === 'abandoned') return refuse('clientsGone', 'the client has left');
      problem = `${attempt.host}: ${result.problem}`;
      if (result.kind === 'exhausted') return refuse('refusedExhausted', problem);
    }
    return { kind: 'refused', why: 'refusedNoHostLeft', problem, tries: tried.size };
  }

  /** Never rejects. */
  async #open({ host }: HostAttempt, rules: ListenerRules, intake: ClientIntake): Promise<OpenResult> {
    const path = rules.unixHosts.get(host.authority);
    let address: string | undefined;
    if (path === undefined) {
      try {
        address = await this.#addressOf(host.host, rules.connectTimeoutMs);
      } catch (error) {
        return { kind: 'failed', isTimeout: false, problem: messageOf(error) };
      }
      if (!isPort(host.port)) return { kind: 'failed', isTimeout: false, problem: `port ${host.port} is not in 1..65535` };
    }
    if (intake.isGone) return { kind: 'abandoned' };
    const where = path === undefined ? { host: address as string, port: host.port } : { path };
    const opening = openHost(this.#deps.engine, { ...where, timeoutMs: rules.connectTimeoutMs, keepAliveMs: KEEP_ALIVE_MS });
    return this.#unlessGone(opening, intake);
  }

  async #unlessGone(opening: Opening, intake: ClientIntake): Promise<OpenResult> {
    intake.onGone = opening.abandon;
    const result = await opening.result;
    intake.onGone = undefined;
    return result;
  }

  async #addressOf(name: string, timeoutMs: number): Promise<string> {
    const address = this.#deps.names.resolve(name);
    if (typeof address === 'string') return address;
    const late = Promise.withResolvers<string>();
    const timer = this.#deps.engine.after(timeoutMs, () =>
      late.reject(new Error(`${name} was not resolved within ${timeoutMs} ms`)),
    );
    try {
      return await Promise.race([address, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #newAttempt(pick: HostPick): HostAttempt {
    const { lars, hosts, nowMs, counters } = this.#deps;
    const onReport = (ok: boolean) => counters.add(ok ? at.reportedSuccesses : at.reportedFailures);
    return new HostAttempt(pick, { lars, hosts, nowMs, onReport });
  }
}

function refusalOf(error: unknown): Refusal {
  if (isLarsError(error, 'LARS_NO_EXIST')) return 'refusedNoHosts';
  return isLarsError(error, 'LARS_OVERLOAD') ? 'refusedUnavailable' : 'refusedNoAgent';
}
