/** An echo server on an engine of the kind that is named, in a process of its own: its limits can be set. It answers 'stats' with what it has noticed. */
import { createEngine, type EngineKind } from '@lars/reactor';

const warnings: string[] = [];
const log = { info: () => undefined, warn: (event: string) => void warnings.push(event), error: () => undefined };
const engine = await createEngine({ kind: process.argv[2] as EngineKind }, { log });
const listener = await engine.listen({ port: 0 }, connection =>
  connection.start({
    onData: (one, bytes) => {
      const asked = Buffer.from(bytes).toString() === 'stats';
      const answer = JSON.stringify({ warnings, ...engine.stats() });
      one.write(asked ? Buffer.from(answer) : bytes);
    },
  }),
);
process.stdout.write(`${listener.address.port}\n`);
