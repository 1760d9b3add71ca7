import type { ConnectionGuard, ConnectionGuardDeps } from '../tcp/connection-guard.ts';
import type { LinkGuard } from './link-guard.ts';
import { isSecured, type LinkSecurity } from './link-security.ts';

/** The guards of a thread, which get new files together. */
export interface LinkGuards {
  /** @returns undefined where there is nothing to guard by */
  readonly newGuard: (deps: ConnectionGuardDeps) => ConnectionGuard | undefined;
  /** For new connections. */
  setSecurity(security: LinkSecurity): void;
}

/** Loads TLS where it is needed: a service without it saves the memory. */
export async function loadLinkGuards(security: LinkSecurity): Promise<LinkGuards> {
  if (!isSecured(security)) return { newGuard: () => undefined, setSecurity: () => undefined };
  const { LinkGuard: Guard } = await import('./link-guard.ts');
  const guards: LinkGuard[] = [];
  let current = security;
  return {
    newGuard: deps => {
      const guard = new Guard(current, deps);
      guards.push(guard);
      return guard;
    },
    setSecurity: changed => {
      current = changed;
      for (const guard of guards) guard.setSecurity(changed);
    },
  };
}
