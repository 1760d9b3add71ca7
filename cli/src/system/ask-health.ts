import { messageOf } from '@lars/runtime/errors';
import type { Health } from '@lars/runtime/http/health-server';
import { getText } from './get-text.ts';

export type HealthAnswer =
  | { readonly kind: 'health'; readonly health: Health }
  /** There is no answer, or the one of something else than a LARS service; `why` in a few words. */
  | { readonly kind: 'down'; readonly why: string };

const TIMEOUT_MS = 1_500;
const MAX_BYTES = 64 * 1024;

/** Asks a service how it is. Never rejects. */
export async function askHealth(ip: string, port: number, timeoutMs = TIMEOUT_MS): Promise<HealthAnswer> {
  try {
    return readHealth((await getText(`http://${ip}:${port}/healthz`, timeoutMs, MAX_BYTES)) ?? '');
  } catch (error) {
    return { kind: 'down', why: messageOf(error) };
  }
}

/** Takes what answers for a LARS service only if it says all that one says. */
export function readHealth(text: string): HealthAnswer {
  try {
    const health = JSON.parse(text) as Health;
    if (isHealth(health)) return { kind: 'health', health };
  } catch {
    // An answer that is no JSON comes from something else, too.
  }
  return { kind: 'down', why: 'what answers there is no LARS service' };
}

function isHealth(health: Partial<Health> | null): boolean {
  return (
    typeof health === 'object' &&
    health !== null &&
    typeof health.service === 'string' &&
    (health.status === 'ok' || health.status === 'degraded' || health.status === 'failing') &&
    typeof health.pid === 'number' &&
    typeof health.uptimeSeconds === 'number' &&
    typeof health.version === 'string' &&
    typeof health.details === 'object' &&
    health.details !== null
  );
}
