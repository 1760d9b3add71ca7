import { type CallFunction, type CallOptions, LarsHost } from '@lars/client-sdk';
import { parseHost } from '@lars/proto';

/** Business code that knows its servers and does without LARS: it calls them in turn, whatever the results. */
export class RoundRobin {
  readonly #hosts: readonly LarsHost[];
  #calls = 0;

  /** @param authorities at least one, '127.0.0.1:8080' */
  constructor(modid: number, cmdid: number, authorities: readonly string[]) {
    const rest = { weight: 0, zone: '', drain: false };
    this.#hosts = authorities.map(authority => new LarsHost(modid, cmdid, { ...parseHost(authority), ...rest }));
  }

  /** As LarsClient.call, for the one module whose servers it knows. */
  async call<T>(_modid: number, _cmdid: number, run: CallFunction<T>, { signal, timeoutMs }: CallOptions<T> = {}): Promise<T> {
    const host = this.#hosts[this.#calls++ % this.#hosts.length] as LarsHost;
    const enders = [
      ...(signal === undefined ? [] : [signal]),
      ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)]),
    ];
    return run(host, AbortSignal.any(enders));
  }
}
