// pure
import { formatHost, formatHostName, parseHost } from '@lars/proto/host-address';
import type { Field, FieldOptions } from './field.ts';

/** Where a server listens. */
export interface ServerAddress {
  /** An IPv4 or IPv6 address (without brackets) or a DNS name. */
  readonly host: string;
  readonly port: number;
}

export interface AddressListOptions extends FieldOptions<string> {
  /** Of an entry that names none. */
  readonly defaultPort: number;
}

/** Whoever lists more has taken the key for something else. */
const MAX_ADDRESSES = 16;

/** Servers in the order of preference, as `HOST:PORT, HOST, [IPV6]:PORT`. The value is the text; parseAddressList reads it. */
export function addressList({ defaultPort, ...options }: AddressListOptions): Field<string> {
  const problemOf = (value: string) => {
    const list = parseAddressList(value, defaultPort);
    return typeof list === 'string' ? list : undefined;
  };
  return {
    ...options,
    expected: `a list of HOST:PORT, HOST or [IPV6]:PORT with commas between them, or nothing`,
    unit: '',
    secret: false,
    parse: value => (problemOf(value) === undefined ? value : undefined),
    explain: problemOf,
    format: String,
  };
}

/** @returns the addresses in their order, none for an empty text; or what is wrong with the text, naming the entry */
export function parseAddressList(text: string, defaultPort: number): readonly ServerAddress[] | string {
  if (text.trim() === '') return [];
  const addresses: ServerAddress[] = [];
  for (const [at, entry] of text.split(',').entries()) {
    const written = entry.trim();
    if (written === '') return `entry ${at + 1} of the list is empty`;
    const address = parseAddress(written, defaultPort);
    if (typeof address === 'string') return address;
    if (addresses.some(({ host, port }) => host === address.host && port === address.port))
      return `'${written}' is in the list twice`;
    addresses.push(address);
  }
  return addresses.length > MAX_ADDRESSES ? `the list has ${addresses.length} entries, allowed are ${MAX_ADDRESSES}` : addresses;
}

/** 'HOST:PORT', an IPv6 address in brackets. */
export function formatAddress({ host, port }: ServerAddress): string {
  return formatHost({ ip: 0, addr: host, port });
}

function parseAddress(entry: string, defaultPort: number): ServerAddress | string {
  const colons = entry.split(':').length - 1;
  if (colons > 1 && !entry.includes('[')) return `'${entry}': an IPv6 address needs brackets, as in [::1]:${defaultPort}`;
  const hasPort = entry.includes('[') ? /\]:/.test(entry) : colons > 0;
  try {
    const address = parseHost(hasPort ? entry : `${entry}:${defaultPort}`);
    return { host: canonical(formatHostName(address)), port: address.port };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** An IPv6 address can be written in many ways, of which a duplicate may use another. With the name of an interface it stays as it is. */
function canonical(host: string): string {
  return host.includes(':') && !host.includes('%') ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host;
}
