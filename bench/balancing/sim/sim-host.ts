// pure
/** A simulated host: workers, a line in front of them, and a condition that the timeline changes. */
import type { HostInfo } from '@lars/proto';
import type { Agenda } from './agenda.ts';
import { Fifo } from './fifo.ts';
import { valueAt } from './ramp.ts';
import type { Condition, HostSpec } from './scenario.ts';

/** One attempt of a call as the host sees it. */
export interface Job {
  /** Its share of the host's mean time in service. */
  readonly work: number;
  /** Uniform in [0, 1): it fails where this is below the host's error rate. */
  readonly luck: number;
  /** Called when the answer leaves the host; never, if the host is silent. */
  readonly answer: (ok: boolean) => void;
}

export class SimHost {
  readonly index: number;
  readonly info: HostInfo;
  readonly spec: HostSpec;
  inRoute: boolean;
  /** Time in service of all calls that were served to their end. */
  busyMs = 0;
  readonly #agenda: Agenda;
  readonly #line = new Fifo<Job>();
  readonly #serving = new Set<Job>();
  #condition: Condition;
  /** When each ramp of the condition was set. */
  #errorRateSinceMs = 0;
  #slownessSinceMs = 0;
  /** Counts crashes: what was in service before one never ends. */
  #crashes = 0;
  /** Calls that are under way to the host. */
  #inbound = 0;
  #workInLine = 0;
  #endsSumMs = 0;

  constructor(index: number, spec: HostSpec, agenda: Agenda) {
    this.index = index;
    this.spec = spec;
    this.info = { ip: 0x0a00_0000 + index, port: 8_000, weight: spec.weight, addr: '', zone: spec.zone, drain: false };
    this.inRoute = spec.inRoute;
    this.#agenda = agenda;
    this.#condition = spec.condition;
  }

  get isUp(): boolean {
    return this.#condition.availability === 'up';
  }

  get hasFreeWorker(): boolean {
    return this.isUp && this.#serving.size < this.spec.workers;
  }

  get isFull(): boolean {
    return this.#serving.size >= this.spec.workers && this.#line.length >= this.spec.queueLimit;
  }

  errorRateAt(nowMs: number): number {
    return valueAt(this.#condition.errorRate, nowMs - this.#errorRateSinceMs);
  }

  slownessAt(nowMs: number): number {
    return valueAt(this.#condition.slowness, nowMs - this.#slownessSinceMs);
  }

  /** How long a call that is sent now will wait for a worker: all the work that is left, shared by the workers. */
  expectedWaitMs(nowMs: number): number {
    if (this.#serving.size + this.#inbound < this.spec.workers) return 0;
    const inServiceMs = this.#endsSumMs - this.#serving.size * nowMs;
    const waitingMs = (this.#workInLine + this.#inbound) * this.spec.serviceMs * this.slownessAt(nowMs);
    return (inServiceMs + waitingMs) / this.spec.workers;
  }

  change(condition: Partial<Condition>, nowMs: number): void {
    const wasUp = this.isUp;
    this.#condition = { ...this.#condition, ...condition };
    if (condition.errorRate !== undefined) this.#errorRateSinceMs = nowMs;
    if (condition.slowness !== undefined) this.#slownessSinceMs = nowMs;
    if (wasUp && !this.isUp) this.#crash();
  }

  /** A call was sent and will arrive. */
  expect(): void {
    this.#inbound += 1;
  }

  arrive(job: Job): void {
    this.#inbound -= 1;
    const { availability } = this.#condition;
    if (availability === 'silent') return;
    if (availability === 'refusing' || this.isFull) job.answer(false);
    else if (this.#serving.size < this.spec.workers) this.#serve(job);
    else {
      this.#line.push(job);
      this.#workInLine += job.work;
    }
  }

  #serve(job: Job): void {
    const nowMs = this.#agenda.nowMs;
    const fails = job.luck < this.errorRateAt(nowMs);
    const fullMs = this.spec.serviceMs * job.work * this.slownessAt(nowMs);
    const serviceMs = fails ? fullMs * this.#condition.errorWork : fullMs;
    const endMs = nowMs + serviceMs;
    const crashes = this.#crashes;
    this.#serving.add(job);
    this.#endsSumMs += endMs;
    this.#agenda.at(endMs, () => {
      if (crashes === this.#crashes) this.#finish(job, !fails, serviceMs);
    });
  }

  #finish(job: Job, ok: boolean, serviceMs: number): void {
    this.#serving.delete(job);
    this.#endsSumMs -= this.#agenda.nowMs;
    this.busyMs += serviceMs;
    const next = this.#line.shift();
    if (next !== undefined) {
      this.#workInLine -= next.work;
      this.#serve(next);
    }
    job.answer(ok);
  }

  /** Callers of a host that refuses see their connections break; callers of a silent one see nothing. */
  #crash(): void {
    const lost = [...this.#serving, ...this.#line.takeAll()];
    this.#crashes += 1;
    this.#serving.clear();
    this.#workInLine = 0;
    this.#endsSumMs = 0;
    if (this.#condition.availability === 'refusing') for (const job of lost) job.answer(false);
  }
}
