/** What the table of the conf file cannot say: which values contradict each other. */
import { StartupError } from '@lars/runtime/errors';
import { type LinkSecurity, NO_SECURITY } from '@lars/runtime/security/link-security';
import { loadBalanceOptions } from './balancing-config.ts';
import type { AgentConfig } from './config.ts';
import { serverAddresses } from './server-addresses.ts';
import type { LinkOptions } from './threads/server-links.ts';

/** @throws {StartupError} BAD_CONFIG naming the keys, as a start would */
export function checkAgentConfig(config: AgentConfig): void {
  loadBalanceOptions(config.loadbalance, config.module, config.agent.zone);
  for (const section of ['dnsserver', 'reporter'] as const) linkOptions(config, section, NO_SECURITY);
}

/** @throws {StartupError} BAD_CONFIG naming the keys that contradict each other */
export function linkOptions(config: AgentConfig, section: 'dnsserver' | 'reporter', security: LinkSecurity): LinkOptions {
  const { reconnect_min, reconnect_max } = config.agent;
  if (reconnect_min > reconnect_max) {
    const message = `[agent] reconnect_min = ${reconnect_min} is greater than reconnect_max = ${reconnect_max}`;
    throw new StartupError('BAD_CONFIG', message);
  }
  return { servers: serverAddresses(config, section), backoffMinMs: reconnect_min, backoffMaxMs: reconnect_max, security };
}
