// pure
import { isLoopback } from '@lars/runtime/exposure';
import { formatPlace } from '@lars/runtime/listen-place';
import type { ListenerRules } from './listener-rules.ts';

/** A client in another place needs longer to say something. */
const QUICK_SNIFF_MS = 20;

/** What may be a mistake in listeners that would start: each in one line that names its section and key. */
export function listenerWarnings(rules: readonly ListenerRules[]): readonly string[] {
  return rules.flatMap(one => [...believedClients(one), ...quickSniffs(one)]);
}

function believedClients({ name, place, acceptProxy }: ListenerRules): readonly string[] {
  if (acceptProxy !== 'always' || !('host' in place) || isLoopback(place.host)) return [];
  return [
    `[listen ${name}] accept_proxy = always: whoever reaches ${formatPlace(place)} may say who he is; let a firewall admit the balancers alone, or list them (accept_proxy = listed)`,
  ];
}

/** Other times of the file are in seconds. */
function quickSniffs({ name, serverNames, sniffTimeoutMs }: ListenerRules): readonly string[] {
  if (serverNames.length === 0 || sniffTimeoutMs >= QUICK_SNIFF_MS) return [];
  return [
    `[listen ${name}] sniff_timeout = ${sniffTimeoutMs} is milliseconds: few clients have said their server name by then, and the others go to the module of the listener; write ${sniffTimeoutMs}s where seconds are meant`,
  ];
}
