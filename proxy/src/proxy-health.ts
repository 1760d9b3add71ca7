import type { Health } from '@lars/runtime/http/health-server';
import { VERSION } from '@lars/runtime/version';
import { isAgentAway, type ProxyView } from './proxy-status.ts';

/** What GET /healthz answers. While the agent is away the proxy goes on with the routes that it knows. */
export function proxyHealth(view: ProxyView): Health {
  const isAway = isAgentAway(view);
  // Those that have nothing left to do end before the others.
  const deadThreads = view.isDraining ? 0 : view.threadGauges.reduce((sum, one) => sum + one.get('threadDead'), 0);
  const threadRestarts = view.threadCounters.reduce((sum, one) => sum + one.get('threadRestarts'), 0);
  const isDegraded = isAway || deadThreads > 0 || view.isDraining;
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
      maxConnections: view.maxConnections,
      neededFiles: view.neededFiles,
      agent: isAway ? 'away' : 'answers',
      ...(deadThreads > 0 ? { deadThreads } : {}),
      ...(threadRestarts > 0 ? { threadRestarts } : {}),
      ...(view.isDraining ? { draining: true } : {}),
    },
  };
}
