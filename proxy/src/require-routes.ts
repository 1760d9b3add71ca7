import { isLarsError, LarsClient, type LarsClientOptions } from '@lars/client-sdk';
import { formatModule, type ModuleId } from '@lars/proto';
import { StartupError } from '@lars/runtime/errors';
import { type ListenerRules, modulesOf } from './listen/listener-rules.ts';

/**
 * Of a proxy that takes over, which must not know less than the one before: while the agent is away that goes on with the routes that it has, and a new one would refuse everybody.
 * @param stopping aborted when the process is to stop: nothing is waited for then
 * @throws {StartupError} naming a module of which neither the agent nor [agent] routes_file tells a route
 */
export async function requireRoutes(
  rules: readonly ListenerRules[],
  agent: LarsClientOptions,
  stopping?: AbortSignal,
): Promise<void> {
  const client = new LarsClient(agent);
  try {
    const modules = modulesOf(rules);
    const known = await Promise.race([Promise.all(modules.map(module => isKnown(client, module))), stopped(stopping)]);
    if (known === undefined) return;
    const unknown = modules.find((_, at) => !known[at]);
    if (unknown === undefined) return;
    const module = formatModule(unknown.modid, unknown.cmdid);
    throw new StartupError(
      'TAKEOVER',
      `the agent does not answer, and no route of module ${module} is known here ([agent] routes_file): the proxy before goes on`,
    );
  } finally {
    await client.close();
  }
}

function stopped(stopping: AbortSignal | undefined): Promise<undefined> {
  return new Promise(resolve => {
    if (stopping?.aborted === true) resolve(undefined);
    stopping?.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** A module of which an agent that answers knows no host is none of this process's business. */
async function isKnown(client: LarsClient, { modid, cmdid }: ModuleId): Promise<boolean> {
  try {
    await client.getRoute(modid, cmdid);
    return true;
  } catch (error) {
    if (!isLarsError(error, 'LARS_AGENT_SILENT', 'LARS_AGENT_UNREACHABLE')) return true;
  }
  return client.getHost(modid, cmdid).then(
    () => true,
    () => false,
  );
}
