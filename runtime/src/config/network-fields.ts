// pure
import { describeBadNetwork, formatNetworks, parseNetworks } from '../udp/networks.ts';
import type { Field, FieldOptions } from './field.ts';

/** IPv4 networks, such as '10.0.0.0/8, 192.168.1.7', in the order given; may be empty. The value is their text: `parseNetworks` reads it. */
export function networks(options: FieldOptions<string>): Field<string> {
  return {
    ...options,
    expected: 'IPv4 networks such as 10.0.0.0/8, separated by commas, or nothing',
    unit: '',
    secret: false,
    parse: text => {
      const parsed = parseNetworks(text);
      return parsed === undefined ? undefined : formatNetworks(parsed);
    },
    explain: describeBadNetwork,
    format: String,
  };
}
