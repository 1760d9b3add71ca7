import type { OpenLink } from '../tcp/open-link.ts';
import { isSecured, type LinkSecurity } from './link-security.ts';
import type { SecureLinksDeps } from './secure-link.ts';

/** How a thread makes its links. */
export interface Links {
  /** Left out where nothing protects them. */
  readonly openLink?: OpenLink;
  /** For the next links. */
  setSecurity(security: LinkSecurity): void;
}

/** Loads TLS where it is needed: a service without it saves the memory. */
export async function loadSecureLinks(security: LinkSecurity, deps: SecureLinksDeps): Promise<Links> {
  if (!isSecured(security)) return { setSecurity: () => undefined };
  const { SecureLinks } = await import('./secure-link.ts');
  const links = new SecureLinks(security, deps);
  return { openLink: links.open, setSecurity: changed => links.setSecurity(changed) };
}
