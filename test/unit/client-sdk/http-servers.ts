/** HTTP servers that tests of requests to modules call. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestAgent } from '@lars/client-sdk/testing';

export interface TestServer {
  /** 'ADDRESS:PORT' */
  readonly authority: string;
  /** 'METHOD PATH BODY' of each, in order. */
  readonly requests: string[];
  readonly connections: () => number;
  readonly server: Server;
}

export interface HttpServers {
  /** To be called, last first, when the test is over. */
  readonly ends: (() => Promise<unknown>)[];
  /** A server that answers with what it got, unless told otherwise. */
  serve(listener?: RequestListener): Promise<TestServer>;
  /** An address of this machine where no process listens any more. */
  refused(): Promise<string>;
}

export function httpServers(): HttpServers {
  const ends: (() => Promise<unknown>)[] = [];
  return {
    ends,
    serve: async (listener = (_, response) => void response.end('fine')) => {
      const requests: string[] = [];
      let connections = 0;
      const server: Server = createServer((incoming, response) => {
        const { method, url } = incoming;
        const respond = (body: string) => {
          requests.push(`${method} ${url} ${body}`);
          listener(incoming, response);
        };
        text(incoming).then(respond, () => respond('(broken)'));
      });
      server.on('connection', () => {
        connections += 1;
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      ends.push(() => new Promise(resolve => server.close(resolve).closeAllConnections()));
      const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      return { authority, requests, connections: () => connections, server };
    },
    refused: async () => {
      const server = createTcpServer();
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      await new Promise(resolve => server.close(resolve));
      return `127.0.0.1:${port}`;
    },
  };
}

export const destroy: RequestListener = incoming => void incoming.socket.destroy();

/** 'HOST OK' of each result. */
export function reported(lars: TestAgent): string[] {
  return lars.reports.map(({ host, ok }) => `${host} ${ok}`);
}
