// pure
import type { HostDocument } from '../output/route-document.ts';

/** A host that is called; a LarsHost is one. */
export interface TalliedHost extends HostDocument {
  /** 'HOST:PORT' */
  readonly authority: string;
}

/** The results of the calls to one host. */
export interface HostTally {
  readonly host: TalliedHost;
  readonly calls: number;
  readonly failures: number;
}

type Growing<T> = { -readonly [Key in keyof T]: T[Key] };

/** Counts a simulation's calls. It has as many hosts as the route; a route that changes meanwhile adds some. */
export class Tally {
  readonly #hosts = new Map<string, Growing<HostTally>>();
  #overloads = 0;
  #timeouts = 0;
  #answered = 0;

  /** @param hosts shown even if they are never called */
  constructor(hosts: readonly TalliedHost[]) {
    for (const host of hosts) this.#hosts.set(host.authority, { host, calls: 0, failures: 0 });
  }

  countCall(host: TalliedHost, ok: boolean): void {
    let tally = this.#hosts.get(host.authority);
    if (tally === undefined) {
      tally = { host, calls: 0, failures: 0 };
      this.#hosts.set(host.authority, tally);
    }
    this.#answered += 1;
    tally.calls += 1;
    if (!ok) tally.failures += 1;
  }

  countOverload(): void {
    this.#overloads += 1;
  }

  countTimeout(): void {
    this.#timeouts += 1;
  }

  /** Calls that are over, whatever their end. */
  get calls(): number {
    return this.#answered + this.#overloads + this.#timeouts;
  }

  get failures(): number {
    return this.hosts.reduce((sum, { failures }) => sum + failures, 0);
  }

  /** Answers OVERLOAD: calls that got no host. */
  get overloads(): number {
    return this.#overloads;
  }

  /** Requests to the agent without an answer. */
  get timeouts(): number {
    return this.#timeouts;
  }

  get hosts(): readonly HostTally[] {
    return [...this.#hosts.values()];
  }
}
