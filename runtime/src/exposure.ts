// pure
/** Ports that other machines reach: without TLS and a token whoever reaches a port is believed. */

/**
 * What the log warns of at the start; undefined for an address that only this machine reaches.
 * @param remedy the conf key that would limit it
 */
export function exposureWarning(ip: string, confKey: string, remedy: string): string | undefined {
  if (isLoopback(ip)) return undefined;
  return `other machines reach ${confKey} = ${ip}, and nothing that they send is signed: set ${remedy}, and let a firewall admit those that must (docs/threat-model.md)`;
}

/**
 * The keys of /healthz's details that name addresses as 'IP:PORT' are those of the sections in the conf file.
 * A port whose links are protected, or that answers listed networks alone, is not among them.
 * @returns '[tcp] ip = 0.0.0.0', joined where there are several; undefined when only this machine reaches them
 */
export function exposedKeys(details: Readonly<Record<string, unknown>>, httpIp: string): string | undefined {
  const isSecured = (details['security'] ?? 'none') !== 'none';
  const ips = {
    udp: details['udpAllow'] === undefined ? ipOf(details['udp']) : undefined,
    tcp: isSecured ? undefined : ipOf(details['tcp']),
    http: httpIp,
  };
  const exposed = Object.entries(ips).filter(([, ip]) => ip !== undefined && !isLoopback(ip));
  return exposed.length === 0 ? undefined : exposed.map(([section, ip]) => `[${section}] ip = ${ip}`).join(', ');
}

function ipOf(address: unknown): string | undefined {
  return typeof address === 'string' ? /^([\d.]+):/.exec(address)?.[1] : undefined;
}

export function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1';
}
