// pure
/** What protects the TCP links between agents and servers. Plain data: main reads it from the files, and it crosses to the threads. */

/** Section [security] of a conf file. */
export interface SecurityOptions {
  /** Folder with ca.pem, cert.pem and key.pem; '' = no TLS. */
  readonly tls_folder: string;
  /** '' = no token. */
  readonly token_file: string;
  /** Whether the certificate of a server must be made out for the address or name that the conf has; a server ignores it. */
  readonly check_names?: boolean;
}

export interface TlsFiles {
  /** Who may sign: one certificate or several, PEM. */
  readonly ca: string;
  /** This machine's certificate, and those between it and the CA, PEM. */
  readonly cert: string;
  readonly key: string;
  /** When this machine's certificate expires, unix ms. */
  readonly expiresAtMs: number;
}

export interface LinkSecurity {
  readonly tls: (TlsFiles & { readonly checkNames: boolean }) | undefined;
  /** The first is the one that an agent proves to know; a server takes each of them. Empty: none is asked for. */
  readonly tokens: readonly string[];
}

export const NO_SECURITY: LinkSecurity = { tls: undefined, tokens: [] };

export function isSecured({ tls, tokens }: LinkSecurity): boolean {
  return tls !== undefined || tokens.length > 0;
}

const DAY_MS = 86_400_000;

/** For /healthz. `security` names what is on; with TLS, there is also for how many whole days the certificate is good, below 0 when it has expired. */
export function securityDetails({ tls, tokens }: LinkSecurity, nowUnixMs: number): Readonly<Record<string, string | number>> {
  const hasToken = tokens.length > 0;
  if (tls === undefined) return { security: hasToken ? 'token, not encrypted' : 'none' };
  return {
    security: hasToken ? 'TLS and token' : 'TLS',
    certificateDaysLeft: Math.floor((tls.expiresAtMs - nowUnixMs) / DAY_MS),
  };
}
