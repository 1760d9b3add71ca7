import { Gauge, type Registry } from 'prom-client';
import type { TcpTransport } from './tcp-transport.ts';

/** Shows `${prefix}_engine_info`. */
export function exposeEngine(registry: Registry, prefix: string, { engine, reason }: TcpTransport): void {
  new Gauge({
    name: `${prefix}_engine_info`,
    help: 'Constant 1; the labels tell what serves the TCP connections, and why it',
    labelNames: ['engine', 'reason'],
    registers: [registry],
  }).set({ engine, reason }, 1);
}
