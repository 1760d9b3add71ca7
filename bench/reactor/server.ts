/** A server that is measured, in a process of its own: `server.ts echo|relay plain|node|epoll BACKEND_PORT`. Prints its port. */
import { createConnection, createServer } from 'node:net';
import { createEngine, type EngineKind } from '@lars/reactor';

const [role, contender, backend] = process.argv.slice(2);
const backendPort = Number(backend);

/** What a program without an engine does: sockets of node:net, piped. */
function startPlain(): void {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, socket => {
    const other =
      role === 'echo' ? socket : createConnection({ host: '127.0.0.1', port: backendPort, noDelay: true, allowHalfOpen: true });
    for (const one of [socket, other]) one.on('error', () => [socket, other].map(each => each.destroy()));
    socket.pipe(other);
    if (other !== socket) other.pipe(socket);
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => tell((server.address() as { port: number }).port));
}

async function startEngine(kind: EngineKind): Promise<void> {
  const engine = await createEngine({ kind });
  const listener = await engine.listen({ port: 0, backlog: 4_096 }, client => {
    if (role === 'echo') {
      client.start({
        onData: (one, bytes) => void (one.write(bytes) || one.pause()),
        onDrain: one => one.resume(),
      });
      return;
    }
    engine.connect(
      { port: backendPort },
      {
        onConnect: one => void engine.relay(client, one, {}, () => undefined),
        onData: () => undefined,
        onClose: () => client.reset(),
      },
    );
  });
  tell(listener.address.port);
}

function tell(port: number): void {
  process.stdout.write(`${port}\n`);
}

if (contender === 'plain') startPlain();
else await startEngine(contender as EngineKind);
