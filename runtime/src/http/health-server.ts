import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { listenError } from '../errors.ts';
import { exposedKeys } from '../exposure.ts';
import { HttpConnections } from './http-connections.ts';

// An import of node:http evaluates its every export, among them a lazily loaded WebSocket: 16 MB more in every process.
const { createServer } = process.getBuiltinModule('node:http');

/** What GET /healthz answers, as JSON. */
export interface Health {
  readonly service: string;
  /** ok: does its work. degraded: works with what it has (HTTP 200 too). failing: does not work (HTTP 503). */
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly version: string;
  /** Why it is not ok, and what runs where; plain values for people and `lars status`. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface HealthServer {
  readonly ip: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface HealthServerDeps {
  readonly ip: string;
  readonly port: number;
  /** The conf key of the port, named when it is taken. */
  readonly confKey: string;
  readonly health: () => Health;
  /** Called by the first scrape. */
  readonly registry: () => Promise<Registry>;
  /** Further pages of the service: returns a JSON document for a path, or undefined for a path that it does not have. */
  readonly document?: (path: string) => Promise<unknown>;
}

/** A request is a line and a few headers; Node looks only now and then whether its time is up. */
const LIMITS = { headersTimeout: 2_000, requestTimeout: 2_000, connectionsCheckingInterval: 500, maxHeaderSize: 8_192 };

/**
 * Answers GET /healthz, GET /metrics and the service's further pages.
 * @throws {StartupError} when the port cannot be opened
 */
export async function startHealthServer(given: HealthServerDeps): Promise<HealthServer> {
  const options = { ...given, registry: once(given.registry) };
  const server = createServer(LIMITS, (request, response) => {
    connections.onRequest(request.socket, response);
    answer(options, request, response).catch((error: unknown) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error}\n`);
    });
  });
  const connections = new HttpConnections(server);
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(listenError(error, 'HTTP port', options.ip, options.port, options.confKey)));
    server.listen(options.port, options.ip, resolve);
  });
  // A later error means that one connection could not be accepted; its client sees that.
  server.on('error', () => undefined);
  return {
    ip: options.ip,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: HealthServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else if (path === '/healthz') {
    const health = withExposure(options.health(), options.ip);
    response
      .writeHead(health.status === 'failing' ? 503 : 200, { 'content-type': 'application/json' })
      .end(`${JSON.stringify(health)}\n`);
  } else if (path === '/metrics') {
    const registry = await options.registry();
    response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
  } else {
    answerDocument(await options.document?.(path), response);
  }
}

function withExposure(health: Health, httpIp: string): Health {
  const exposed = exposedKeys(health.details, httpIp);
  return exposed === undefined ? health : { ...health, details: { ...health.details, exposed } };
}

function answerDocument(document: unknown, response: ServerResponse): void {
  if (document === undefined) response.writeHead(404, { 'content-type': 'text/plain' }).end('Here are /healthz and /metrics.\n');
  else response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(document)}\n`);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
