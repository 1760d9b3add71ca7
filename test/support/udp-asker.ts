/** Business code as an agent sees it: one UDP socket that asks and reports. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type GetHostResponse, type GetRouteResponse, HEADER_BYTES, MessageId, readInt32, shardOf } from '@lars/proto';
import { decodeGetHost, decodeGetRoute, getHostFrame, getRouteFrame, hostInfo, reportFrame } from './agent-messages.ts';
import { eventually } from './eventually.ts';

export interface ModuleOf {
  readonly modid: number;
  readonly cmdid: number;
}

export class UdpAsker {
  /** Answers that nobody has taken yet. */
  readonly hosts = new Map<number, GetHostResponse>();
  readonly routes: GetRouteResponse[] = [];
  answers = 0;
  readonly #socket: Socket;
  readonly #ports: readonly number[];
  #seq = 0;

  private constructor(socket: Socket, ports: readonly number[]) {
    this.#socket = socket;
    this.#ports = ports;
    socket.on('message', datagram => this.#onAnswer(datagram));
    socket.on('error', () => undefined);
  }

  /** @param ports the agent's UDP ports, shard by shard */
  static async open(ports: readonly number[]): Promise<UdpAsker> {
    const socket = createSocket({ type: 'udp4', lookup: (address, _options, done) => done(null, address, 4) });
    const listening = once(socket, 'listening');
    socket.bind(0, '127.0.0.1');
    await listening;
    return new UdpAsker(socket, ports);
  }

  /** The owner's answer; asked once. */
  async getHost(module: ModuleOf, shard = shardOf(module.modid, module.cmdid)): Promise<GetHostResponse> {
    const seq = this.ask(module, shard);
    const answer = await eventually(`an answer about ${module.modid}/${module.cmdid}`, () => this.hosts.get(seq));
    this.hosts.delete(seq);
    return answer;
  }

  /** Asks without waiting. @returns the seq that its answer will have */
  ask(module: ModuleOf, shard = shardOf(module.modid, module.cmdid)): number {
    this.#seq += 1;
    this.send(getHostFrame({ ...module, seq: this.#seq }), shard);
    return this.#seq;
  }

  async getRoute(module: ModuleOf): Promise<GetRouteResponse> {
    this.routes.length = 0;
    this.send(getRouteFrame(module), shardOf(module.modid, module.cmdid));
    return eventually(`the route of ${module.modid}/${module.cmdid}`, () => this.routes[0]);
  }

  /** Reports calls of host number `port`, and returns when the agent has taken them: it answers in order. */
  async report(module: ModuleOf, port: number, results: readonly boolean[]): Promise<void> {
    for (const ok of results) {
      this.send(reportFrame({ ...module, host: hostInfo(port), retcode: ok ? 0 : 1 }), shardOf(module.modid, module.cmdid));
    }
    await this.getHost(module);
  }

  send(datagram: Uint8Array, shard: number): void {
    this.#socket.send(datagram, this.#ports[shard] ?? 0, '127.0.0.1');
  }

  close(): void {
    this.#socket.close();
  }

  #onAnswer(datagram: Uint8Array): void {
    this.answers += 1;
    const id = datagram.length < HEADER_BYTES ? 0 : readInt32(datagram, 0);
    if (id === MessageId.GetHostResponse) {
      const answer = decodeGetHost(datagram);
      this.hosts.set(answer.seq, answer);
    } else if (id === MessageId.ApiGetRouteResponse) this.routes.push(decodeGetRoute(datagram));
  }
}
