/** A dnsserver whose routes the test writes: one that speaks like ours, or like the deployed ones (frozen fields only). */
import { decodeBody, encodeFrame, type GetRouteRequest, type HostInfo, LarsProtocolError, MessageId } from '@lars/proto';
import type { FramedConnection } from '@lars/runtime/tcp/framed-connection';
import { FramedServer } from '@lars/runtime/tcp/framed-server';
import { recordingLog } from './recording-log.ts';

export type Dialect = 'deployed' | 'ours';

export const SCRIPTED_LIMITS = { maxBodyBytes: 65_527, partialFrameTimeoutMs: 5_000, maxWriteBufferBytes: 64 * 1_024 * 1_024 };

export class ScriptedDnsserver {
  readonly requests: GetRouteRequest[] = [];
  readonly #dialect: Dialect;
  readonly #routes = new Map<string, readonly HostInfo[]>();
  readonly #subscribers = new Map<string, Set<FramedConnection>>();
  #server: FramedServer | undefined;
  #port = 0;
  #version = 100;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  get port(): number {
    return this.#port;
  }

  get connectionCount(): number {
    return this.#server?.connections.size ?? 0;
  }

  /** Listens; the second time on the port of the first. */
  async start(): Promise<void> {
    const options = { ip: '127.0.0.1', port: this.#port, confKey: 'port', maxConnections: 10, limits: SCRIPTED_LIMITS };
    this.#server = new FramedServer(
      { ...options, log: recordingLog().log },
      {
        onFrame: (connection, id, body) => this.#onFrame(connection, id, body),
        onClose: connection => this.#forget(connection),
      },
    );
    await this.#server.listen();
    this.#port = this.#server.port;
  }

  async stop(): Promise<void> {
    await this.#server?.close(0);
    this.#server = undefined;
  }

  /** Every connection breaks, and may come again. */
  cutConnections(): void {
    for (const connection of [...(this.#server?.connections ?? [])]) connection.destroy();
  }

  /** Changes a route and pushes it to whoever has asked for it. */
  setRoute(modid: number, cmdid: number, hosts: readonly HostInfo[]): void {
    const key = `${modid}/${cmdid}`;
    this.#version += 1;
    this.#routes.set(key, hosts);
    for (const connection of this.#subscribers.get(key) ?? [])
      this.#answer(connection, { modid, cmdid, version: 0, features: 0 });
  }

  /** Which modules were asked for, and with which revision, since the last take. */
  takeAsked(): string[] {
    return this.requests.splice(0).map(({ modid, cmdid }) => `${modid}/${cmdid}`);
  }

  /** The modules of whose changes somebody is told now. */
  subscribed(): string[] {
    return [...this.#subscribers].filter(([, connections]) => connections.size > 0).map(([key]) => key);
  }

  #onFrame(connection: FramedConnection, id: number, body: Uint8Array): void {
    if (id !== MessageId.GetRouteRequest)
      throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not for a dnsserver`);
    const request = decodeBody(MessageId.GetRouteRequest, body);
    this.requests.push(request);
    const key = `${request.modid}/${request.cmdid}`;
    const subscribers = this.#subscribers.get(key) ?? new Set();
    this.#subscribers.set(key, subscribers.add(connection));
    this.#answer(connection, request);
  }

  #answer(connection: FramedConnection, { modid, cmdid, version: asked }: GetRouteRequest): void {
    const host = this.#routes.get(`${modid}/${cmdid}`) ?? [];
    const version = this.#dialect === 'ours' && host.length > 0 ? this.#version : 0;
    const notModified = version !== 0 && version === asked;
    const answer = { modid, cmdid, host: notModified ? [] : host, version, overload: false, notModified };
    connection.send(encodeFrame(MessageId.GetRouteResponse, answer));
  }

  #forget(connection: FramedConnection): void {
    for (const subscribers of this.#subscribers.values()) subscribers.delete(connection);
  }
}
