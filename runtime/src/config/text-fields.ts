// pure
// Not the whole package: a main thread needs no codec, and protobufjs takes 7 MB of memory.
import { isIpv6, parseHost, parseIpv4 } from '@lars/proto/host-address';
import type { Field, FieldOptions } from './field.ts';

export interface TextOptions extends FieldOptions<string> {
  /** In UTF-16 code units, as JavaScript counts. */
  readonly maxLength: number;
  /** Passwords and the like: never shown in an error. */
  readonly secret?: boolean;
}

const MAX_PATH_LENGTH = 4095;
const MAX_ADDRESS_LENGTH = 253;

/** Any text on one line. Like every kind in this file that holds a string, it may be empty if its default is. */
export function text(options: TextOptions): Field<string> {
  const { maxLength, secret = false } = options;
  return stringField(`a text of at most ${maxLength} characters`, { ...options, secret }, value => value.length <= maxLength);
}

/** A file or folder, as given: nothing is resolved here, nothing has to exist. */
export function path(options: FieldOptions<string>): Field<string> {
  return stringField('a path', options, value => value.length <= MAX_PATH_LENGTH);
}

/** An IPv4 address in dotted form. */
export function ipv4(options: FieldOptions<string>): Field<string> {
  return stringField('an IPv4 address', options, value => parseIpv4(value) !== undefined);
}

/** An IPv4 or IPv6 address (without brackets) or a DNS name, without a port. */
export function host(options: FieldOptions<string>): Field<string> {
  return stringField('an IPv4 or IPv6 address or a DNS name', options, isHost);
}

/** Yes or no. */
export function flag(options: FieldOptions<boolean>): Field<boolean> {
  return {
    ...options,
    expected: 'true or false (or yes/no, on/off, 1/0)',
    unit: '',
    secret: false,
    parse: word => FLAG_WORDS.get(word.toLowerCase()),
    format: String,
  };
}

/** One of a few words, spelled exactly so. */
export function choice<const Word extends string>(words: readonly Word[], options: FieldOptions<NoInfer<Word>>): Field<Word> {
  return {
    ...options,
    expected: `one of ${words.join(', ')}`,
    unit: '',
    secret: false,
    parse: value => words.find(word => word === value),
    format: String,
  };
}

const FLAG_WORDS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

function stringField(
  noun: string,
  options: FieldOptions<string> & { readonly secret?: boolean },
  isGood: (value: string) => boolean,
): Field<string> {
  const mayBeEmpty = options.default === '';
  return {
    default: options.default,
    meaning: options.meaning,
    expected: mayBeEmpty ? `${noun}, or nothing` : noun,
    unit: '',
    secret: options.secret ?? false,
    parse: value => ((value === '' ? mayBeEmpty : !hasControls(value) && isGood(value)) ? value : undefined),
    format: String,
  };
}

/** Quoted values can smuggle in line breaks and NULs, which no path, name or password of ours has. */
function hasControls(value: string): boolean {
  return /\p{Cc}/u.test(value);
}

function isHost(value: string): boolean {
  return value.length <= MAX_ADDRESS_LENGTH && (isIpv6(value) || parseIpv4(value) !== undefined || isDnsName(value));
}

function isDnsName(value: string): boolean {
  try {
    // Equal only for a plain name: brackets around an IPv6 address are gone in `addr`.
    return parseHost(`${value}:1`).addr === value.toLowerCase();
  } catch {
    return false;
  }
}
