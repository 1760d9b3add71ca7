// pure
import { isLoopback } from '@lars/runtime/exposure';
import { formatPlace } from '@lars/runtime/listen-place';
import type { ListenerRules } from './listener-rules.ts';

/** What may be a mistake in listeners that would start: each in one line that names its section and key. */
export function listenerWarnings(rules: readonly ListenerRules[]): readonly string[] {
  return rules.flatMap(({ name, place, acceptProxy }) =>
    acceptProxy === 'always' && 'host' in place && !isLoopback(place.host)
      ? [
          `[listen ${name}] accept_proxy = always: whoever reaches ${formatPlace(place)} may say who he is; let a firewall admit the balancers alone, or list them (accept_proxy = listed)`,
        ]
      : [],
  );
}
