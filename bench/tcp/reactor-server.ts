/** A server of several reactor threads that is measured: `reactor-server.ts THREADS`. */
import { createReactorServer } from '@lars/reactor';
import { keepCompiledCode } from '@lars/runtime/compiled-code';

// The page of the reactor names the flag to its users.
keepCompiledCode();
const server = await createReactorServer({
  listen: [{ port: 0, backlog: 4_096 }],
  threads: Number(process.argv[2] ?? 4),
  handler: new URL('./reactor-handler.ts', import.meta.url),
});
process.stdout.write(`${JSON.stringify({ port: server.addresses[0]?.port })}\n`);
process.once('SIGTERM', () => void server.close());
