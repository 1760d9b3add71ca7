import type { Health } from '@lars/runtime/http/health-server';
import { VERSION } from '@lars/runtime/version';
import { isAgentAway, type ProxyView } from './proxy-status.ts';

/** What GET /healthz answers. While the agent is away the proxy goes on with the routes that it knows. */
export function proxyHealth(view: ProxyView): Health {
  const isAway = isAgentAway(view);
  const isDegraded = isAway || view.deadThreads > 0 || view.isDraining;
  return {
    service: 'proxy',
    status: isDegraded ? 'degraded' : 'ok',
    pid: process.pid,
    uptimeSeconds: Math.round(view.uptimeMs / 1_000),
    version: VERSION,
    details: {
      listens: view.places.join(', '),
      engine: view.engine,
      threads: view.threads,
      connections: view.limits.total,
      agent: isAway ? 'away' : 'answers',
      ...(view.deadThreads > 0 ? { deadThreads: view.deadThreads } : {}),
      ...(view.isDraining ? { draining: true } : {}),
    },
  };
}
