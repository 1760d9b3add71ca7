// pure
/** The one shape in which commands print a host and a route for machines; `lars route import` and `apply` read it. */
import { countedWeight, formatHostName, type HostInfo, type ModuleId } from '@lars/proto';

export interface HostDocument {
  /** Without the port, and IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** As it counts: 100 where the table has none. */
  readonly weight: number;
  /** Empty where the owner names none. */
  readonly zone: string;
  readonly drain: boolean;
}

export interface RouteDocument extends ModuleId {
  readonly hosts: readonly HostDocument[];
}

/** Of a host that has more. */
export function hostPart({ host, port, weight, zone, drain }: HostDocument): HostDocument {
  return { host, port, weight, zone, drain };
}

export function hostDocument(host: HostInfo): HostDocument {
  const { port, weight, zone, drain } = host;
  return { host: formatHostName(host), port, weight: countedWeight(weight), zone, drain };
}

export function routeDocument({ modid, cmdid, hosts }: ModuleId & { readonly hosts: readonly HostInfo[] }): RouteDocument {
  return { modid, cmdid, hosts: hosts.map(hostDocument) };
}

/** One line for each route, so that two files can be compared. */
export function formatRoutesJson(routes: readonly RouteDocument[]): string {
  if (routes.length === 0) return '{"routes": []}\n';
  return `{"routes": [\n${routes.map(route => JSON.stringify(route)).join(',\n')}\n]}\n`;
}

/** One line for each host. */
export function formatRoutesYaml(routes: readonly RouteDocument[]): string {
  if (routes.length === 0) return 'routes: []\n';
  const blocks = routes.map(({ modid, cmdid, hosts }) => {
    const lines = hosts.map(host => `      - ${JSON.stringify(host)}\n`).join('');
    return `  - modid: ${modid}\n    cmdid: ${cmdid}\n    hosts:\n${lines}`;
  });
  return `routes:\n${blocks.join('')}`;
}
