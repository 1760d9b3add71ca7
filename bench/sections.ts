/** All that the page shows, in its order. */
import { measureBalancerSpeed } from './balancer-speed.ts';
import { measureDnsserver } from './dnsserver.ts';
import { measureLatency } from './latency.ts';
import { measureLinks } from './links.ts';
import { measureMemory } from './memory.ts';
import { measureReporter } from './reporter.ts';
import { measureSdkSpeed } from './sdk-speed.ts';
import type { Section } from './section.ts';
import { measureShardSpeed } from './shard-speed.ts';
import { measureSizes } from './sizes.ts';
import { measureStartup } from './startup.ts';
import { measureTcpDispatch } from './tcp/dispatch-section.ts';
import { measureTcpProxy } from './tcp/proxy-section.ts';
import { measureTcpReactor } from './tcp/reactor-section.ts';
import { measureTcpSpread } from './tcp/spread-section.ts';
import { measureUdpPath } from './udp-path.ts';
import { measureWindows } from './windows.ts';

export const SECTIONS: readonly Section[] = [
  { name: 'start', measure: ({ folder }) => measureStartup(folder) },
  { name: 'memory', measure: ({ folder }) => measureMemory(folder) },
  { name: 'udp-path', measure: measureUdpPath },
  { name: 'latency', measure: measureLatency },
  { name: 'window', measure: measureWindows },
  { name: 'size', measure: measureSizes },
  { name: 'dnsserver', measure: ({ folder }) => measureDnsserver(folder) },
  { name: 'reporter', measure: measureReporter },
  { name: 'links', measure: ({ folder }) => measureLinks(folder) },
  { name: 'sdk', measure: ({ folder }) => measureSdkSpeed(folder) },
  { name: 'shard', measure: measureShardSpeed },
  { name: 'tcp-proxy', measure: measureTcpProxy },
  { name: 'tcp-spread', measure: measureTcpSpread },
  { name: 'tcp-reactor', measure: measureTcpReactor },
  { name: 'tcp-dispatch', measure: measureTcpDispatch },
  { name: 'balancer', measure: measureBalancerSpeed },
];
