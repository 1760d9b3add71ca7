/** A worker of `lars dispatch`: an ordinary HTTP server that says who it is, at once, after a while, or after blocking its event loop. */
import { createServer } from 'node:http';
import { serveDispatched } from '@lars/dispatch';

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://server');
  const ms = Number(searchParams.get('ms') ?? 0);
  const answer = () => response.end(`${process.pid} ${searchParams.get('id') ?? ''}`);
  if (pathname === '/block') {
    // Without a processor, which the other workers need.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    answer();
  } else setTimeout(answer, ms);
});
await serveDispatched(undefined, server);
