import { formatModule, type RouteKey, routeKey } from '@lars/proto';
import { type CallFunction, type CallOptions, checkCall, makeCall } from '../call.ts';
import { larsChannels, publishReport } from '../diagnostics.ts';
import {
  abortedError,
  agentSilentError,
  closedError,
  type LarsError,
  noExistError,
  overloadError,
  type RequestContext,
  systemError,
  unreachableError,
} from '../errors.ts';
import type { LarsApi } from '../lars-api.ts';
import { LarsHost } from '../lars-host.ts';
import { waitForRoute } from '../register.ts';
import { type CallResult, makeReport, type ReportTarget } from '../report.ts';
import { type RequestOptions, readLimits } from '../request-options.ts';
import type { Route } from '../route.ts';
import { pause } from '../util/pause.ts';
import { badArgument, checkFunction, checkKeys, checkModule, checkObject } from '../validation.ts';
import { type TestHost, TestRoute } from './test-route.ts';

export type { TestHost } from './test-route.ts';

/** What a pick of a module fails with, as an agent or its absence would make it fail. */
export type TestFailure = 'LARS_OVERLOAD' | 'LARS_SYSTEM_ERROR' | 'LARS_AGENT_SILENT' | 'LARS_AGENT_UNREACHABLE';

/** A result that was reported, of a call by `call` too. */
export interface TestReport {
  readonly modid: number;
  readonly cmdid: number;
  /** 'ADDRESS:PORT' */
  readonly host: string;
  readonly ok: boolean;
  /** As it was given; undefined where the caller did not time the call. */
  readonly tcostMs: number | undefined;
}

export interface TestAgentOptions {
  /** The routes at the beginning, by module: `{ '1/2': ['10.0.0.5:80'] }`. */
  readonly routes?: Readonly<Record<string, readonly TestHost[]>> | undefined;
  /** What `call` measures durations with, monotonic milliseconds. Default: performance.now(). */
  readonly nowMs?: (() => number) | undefined;
}

const FAILURES: Readonly<Record<TestFailure, (context: RequestContext, timeoutMs: number) => LarsError>> = {
  LARS_OVERLOAD: overloadError,
  LARS_SYSTEM_ERROR: context => systemError(context, 'was told to fail'),
  LARS_AGENT_SILENT: agentSilentError,
  LARS_AGENT_UNREACHABLE: context => unreachableError(context, new Error('it was told to be away')),
};
const OPTION_KEYS = ['routes', 'nowMs'] as const satisfies readonly (keyof TestAgentOptions)[];
const AGENT = 'in memory';
const TIMEOUTS = { timeoutMs: 500, callTimeoutMs: 30_000 };
const REGISTER_TIMEOUT_MS = 10_000;

/**
 * An agent and its client in one object, in memory: no sockets, no balancing. Hosts are picked in turn, and those that fail stay in service, so that a
 * test knows what comes next.
 * @throws {LarsError} LARS_BAD_ARGUMENT naming what is wrong
 */
export function createTestAgent(options: TestAgentOptions = {}): TestAgent {
  return new TestAgent(options);
}

export class TestAgent implements LarsApi {
  readonly #routes = new Map<RouteKey, TestRoute>();
  readonly #failures = new Map<RouteKey, TestFailure>();
  readonly #closeController = new AbortController();
  readonly #nowMs: () => number;
  #reports: TestReport[] = [];
  #version = 0;

  constructor(options: TestAgentOptions) {
    checkKeys('options', options, OPTION_KEYS);
    const { routes = {}, nowMs = () => performance.now() } = options;
    checkObject('routes', routes);
    checkFunction('nowMs', nowMs);
    this.#nowMs = nowMs;
    for (const [module, hosts] of Object.entries(routes)) this.setRoute(...readModule(module), hosts);
  }

  /** All results so far, in order. */
  get reports(): readonly TestReport[] {
    return this.#reports;
  }

  clearReports(): void {
    this.#reports = [];
  }

  /** Without hosts the module does not exist any more. */
  setRoute(modid: number, cmdid: number, hosts: readonly TestHost[]): void {
    checkModule(modid, cmdid);
    this.#version += 1;
    this.#routes.set(routeKey(modid, cmdid), new TestRoute(modid, cmdid, hosts, this.#version));
  }

  /** Picks of this module fail until `recover`; routes cannot be had either where the agent does not answer. */
  fail(modid: number, cmdid: number, code: TestFailure): void {
    checkModule(modid, cmdid);
    if (!Object.hasOwn(FAILURES, code)) throw badArgument('code', `one of ${Object.keys(FAILURES).join(', ')}`, code);
    this.#failures.set(routeKey(modid, cmdid), code);
  }

  recover(modid: number, cmdid: number): void {
    this.#failures.delete(routeKey(modid, cmdid));
  }

  async getHost(modid: number, cmdid: number, options: RequestOptions = {}): Promise<LarsHost> {
    checkModule(modid, cmdid);
    const { signal, timeoutMs } = readLimits(options, TIMEOUTS.timeoutMs);
    this.#refuseUnwanted(modid, cmdid, signal);
    const context = contextOf(modid, cmdid);
    const failure = this.#failures.get(routeKey(modid, cmdid));
    if (failure !== undefined) throw FAILURES[failure](context, timeoutMs);
    const known = this.#routes.get(routeKey(modid, cmdid));
    if (known === undefined || known.route.hosts.length === 0) throw noExistError(context);
    const host = known.pick();
    if (host === undefined) throw overloadError(context);
    return host;
  }

  /** A host wherever `getHost` would give one. */
  tryGetHost(modid: number, cmdid: number): LarsHost | undefined {
    if (this.#closeController.signal.aborted || this.#failures.has(routeKey(modid, cmdid))) return undefined;
    return this.#routes.get(routeKey(modid, cmdid))?.pick();
  }

  async getRoute(modid: number, cmdid: number, options: RequestOptions = {}): Promise<Route> {
    checkModule(modid, cmdid);
    const { signal, timeoutMs } = readLimits(options, TIMEOUTS.timeoutMs);
    this.#refuseUnwanted(modid, cmdid, signal);
    const failure = this.#failures.get(routeKey(modid, cmdid));
    if (failure === 'LARS_AGENT_SILENT' || failure === 'LARS_AGENT_UNREACHABLE')
      throw FAILURES[failure](contextOf(modid, cmdid), timeoutMs);
    const known = this.#routes.get(routeKey(modid, cmdid));
    return known?.route ?? { modid, cmdid, hosts: [], overload: false, version: 0 };
  }

  /** Waits for `setRoute` or `recover` where it must. */
  async register(modid: number, cmdid: number, options: RequestOptions = {}): Promise<Route> {
    checkModule(modid, cmdid);
    const { signal, timeoutMs } = readLimits(options, REGISTER_TIMEOUT_MS);
    const enders = signal === undefined ? [this.#closeController.signal] : [this.#closeController.signal, signal];
    return waitForRoute(contextOf(modid, cmdid), timeoutMs, {
      // Never the clock of the test, which may stand still.
      nowMs: () => performance.now(),
      random: () => 0,
      getRoute: () => this.getRoute(modid, cmdid, { signal }),
      pause: ms => pause(ms, enders),
    });
  }

  report(host: ReportTarget, result: CallResult): void {
    const { modid, cmdid, host: info } = makeReport(host, result);
    if (this.#closeController.signal.aborted) return;
    const { authority } = new LarsHost(modid, cmdid, info);
    this.#reports.push({ modid, cmdid, host: authority, ok: result.ok, tcostMs: result.tcostMs });
    if (larsChannels.report.hasSubscribers) publishReport(host, result);
  }

  async call<T>(modid: number, cmdid: number, run: CallFunction<T>, options: CallOptions<T> = {}): Promise<T> {
    checkModule(modid, cmdid);
    checkCall(run, options);
    return makeCall(contextOf(modid, cmdid), run, options, TIMEOUTS, this, this.#nowMs);
  }

  async close(): Promise<void> {
    this.#closeController.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #refuseUnwanted(modid: number, cmdid: number, signal: AbortSignal | undefined): void {
    if (this.#closeController.signal.aborted) throw closedError(contextOf(modid, cmdid));
    if (signal?.aborted) throw abortedError(contextOf(modid, cmdid), signal.reason);
  }
}

function contextOf(modid: number, cmdid: number): RequestContext {
  return { modid, cmdid, agent: AGENT };
}

/** The inverse of formatModule. */
function readModule(text: string): [modid: number, cmdid: number] {
  const [modid = Number.NaN, cmdid = Number.NaN] = text.split('/').map(Number);
  if (formatModule(modid, cmdid) !== text) throw badArgument('routes', "named by module, such as '1/2'", text);
  return [modid, cmdid];
}
