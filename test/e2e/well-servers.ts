/** HTTP servers of a service that is well: every answer takes the same time, and a few at random are errors, as slow as the others. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seededRandom } from '../support/seeded-random.ts';
import type { CleanUps } from './agent-world.ts';

export interface WellService {
  readonly hosts: number;
  readonly answerMs: number;
  /** Which share of the answers is an error; 0..1. */
  readonly errorRate: number;
  /** Which requests of a server err: the same ones for the same seed. */
  readonly seed: number;
}

/** How long the service has worked for an answer, ms, by its own word; what the machine and the way to the caller add is left out. */
export const WORKED_MS_HEADER = 'x-worked-ms';

const IP = '127.0.0.1';
const HTTP_ERROR = 500;
/**
 * Where the machine gave this process no turn for so many times the usual duration, the answer is no error. A slow error among slow
 * answers looks like that of a server with too much to do, and this service has none of them.
 */
const LATE = 3;

/** @returns their ports, which the system picked */
export async function startWellServers(cleanUps: CleanUps, service: WellService): Promise<readonly number[]> {
  const servers = Array.from({ length: service.hosts }, (_, index) => wellServer(service, seededRandom(service.seed + index)));
  cleanUps.add(() => Promise.all(servers.map(stopped)));
  for (const server of servers) {
    server.listen(0, IP);
    await once(server, 'listening');
  }
  return servers.map(server => (server.address() as AddressInfo).port);
}

function wellServer({ answerMs, errorRate }: WellService, random: () => number): Server {
  // It leaves it to the callers to end idle connections: if both did, a request could meet an end that is on its way.
  return createServer({ keepAliveTimeout: 0 }, (request, response) => {
    request.resume();
    const beganMs = performance.now();
    const errs = random() < errorRate;
    setTimeout(() => {
      const isLate = performance.now() - beganMs > LATE * answerMs;
      response.writeHead(errs && !isLate ? HTTP_ERROR : 200, { [WORKED_MS_HEADER]: answerMs }).end();
    }, answerMs);
  });
}

async function stopped(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
