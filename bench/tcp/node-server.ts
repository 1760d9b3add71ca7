/**
 * Servers of node:net that are measured: `node-server.ts KIND [WORKERS]`. `plain`: one process. `round-robin`, `shared`: workers of node:cluster, which gives
 * connections in turn, or lets all accept from one socket. `reuse-port`: each worker has a socket of its own on the port. `dispatched`: a worker of `lars dispatch`.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { serveDispatched } from '@lars/dispatch';
import { answer, MESSAGE_BYTES } from './answer.ts';

const BACKLOG = 4_096;
const [kind = 'plain', workers = '4'] = process.argv.slice(2);

const server = createServer({ noDelay: true }, socket => {
  let missing = MESSAGE_BYTES;
  let costMs = 0;
  socket.on('error', () => socket.destroy());
  socket.on('data', bytes => {
    if (missing === MESSAGE_BYTES) costMs = bytes[0] as number;
    missing -= bytes.length;
    if (missing > 0) return;
    missing = MESSAGE_BYTES;
    socket.write(answer(costMs, process.pid));
  });
});

if (kind === 'dispatched') await serveDispatched(undefined, server);
else if (kind === 'plain' || cluster.isWorker) {
  const reusePort = kind === 'reuse-port';
  server.listen({ host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0), backlog: BACKLOG, reusePort, exclusive: reusePort });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  if (kind === 'plain') tell(port);
  // A worker that listens by itself is not known to the primary.
  else process.send?.(port);
} else {
  cluster.schedulingPolicy = kind === 'shared' ? cluster.SCHED_NONE : cluster.SCHED_RR;
  let port = 0;
  for (let worker = 0; worker < Number(workers); worker++) {
    const child = cluster.fork(kind === 'reuse-port' ? { PORT: port } : {});
    [port] = (await once(child, 'message')) as [number];
  }
  tell(port);
}

function tell(port: number): void {
  process.stdout.write(`${JSON.stringify({ port })}\n`);
}
