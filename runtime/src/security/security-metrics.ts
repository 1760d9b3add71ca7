import { Gauge, type Registry } from 'prom-client';
import type { SecurityKeeper } from './security-keeper.ts';

/** Shows `${prefix}_certificate_expires_seconds`, where there is a certificate. */
export function exposeCertificate(registry: Registry, prefix: string, security: SecurityKeeper): void {
  if (security.certificateSecondsLeft === undefined) return;
  new Gauge({
    name: `${prefix}_certificate_expires_seconds`,
    help: 'In how many seconds the certificate of this machine expires; below 0 when it has',
    registers: [registry],
    collect() {
      this.set(security.certificateSecondsLeft ?? 0);
    },
  });
}
