/** Relays of one engine between clients and backends that are sockets of node:net. */
import type { Connection, Engine, EngineKind, Listener, RelayOptions, RelayResult } from '@lars/reactor';
import { eventually } from '../support/eventually.ts';
import { connectRemote, listenRemote, listenWith, openEngine, type Remote } from './reactor-harness.ts';

export interface RelayWorld {
  readonly engine: Engine;
  readonly listener: Listener;
  readonly accepted: Remote[];
  readonly results: RelayResult[];
  /** A client, and the backend that its relay leads to. */
  pair(): Promise<{ readonly client: Remote; readonly backend: Remote }>;
}

export async function openRelayWorld(
  kind: EngineKind,
  options: RelayOptions = {},
  onBackend: (remote: Remote) => void = () => undefined,
): Promise<RelayWorld> {
  const engine = await openEngine(kind);
  const { port, accepted } = await listenRemote(onBackend);
  const results: RelayResult[] = [];
  const begin = (client: Connection, backend: Connection) =>
    engine.relay(client, backend, options, result => results.push(result));
  const listener = await listenWith(engine, client => {
    engine.connect(
      { host: '127.0.0.1', port },
      { onConnect: backend => void begin(client, backend), onData: () => undefined, onClose: () => client.reset() },
    );
  });
  return {
    engine,
    listener,
    accepted,
    results,
    pair: async () => {
      const before = accepted.length;
      const client = await connectRemote({ port: listener.address.port });
      return { client, backend: await eventually('the backend accepts', () => accepted[before]) };
    },
  };
}

export async function expectClean({ engine }: RelayWorld): Promise<void> {
  await eventually('nothing is open', () => engine.stats().open === 0 && engine.stats().relays === 0);
}
