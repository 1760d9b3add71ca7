// pure
/**
 * The text behind a '=' to a value and back. Escapes (\; \# \\), "JSON quotes" and comments behind the value are what the
 * package `ini` takes them for, with two differences. A ';' or '#' starts a comment only behind white space: the deployed
 * services take `secret#1` as it stands, and a password must not lose its end silently. And a 'single-quoted' text is that
 * text, where `ini` would make a number of '1e5'.
 */
import { unsafe } from 'ini';

/** Either the value's text or what is wrong with it. */
export type IniValue =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text?: undefined; readonly problem: string };

const QUOTED = /^(?:("[^"\\]*(?:\\.[^"\\]*)*")|'([^']*)')\s*(?:[;#].*)?$/s;
const ESCAPE_OR_COMMENT_SIGN = /\\[\\;#]|\s[;#]|[;#]/g;

/** @param raw the text behind the '=', trimmed */
export function readIniValue(raw: string): IniValue {
  if (/^[;#]/.test(raw)) return { problem: 'only a comment: a value that starts with ; or # needs quotes' };
  const text = /^["']/.test(raw) ? readQuoted(raw) : readBare(raw);
  if (text === undefined) return { problem: `expected "text" as JSON quotes it, or 'text'` };
  // What a decoder puts in place of bytes that are no UTF-8; in a comment it does no harm.
  return text.includes('\uFFFD') ? { problem: 'expected UTF-8' } : { text };
}

/** The text as a conf file holds it: bare where it reads back as itself, in JSON quotes otherwise. */
export function writeIniValue(text: string): string {
  return readIniValue(text).text === text ? text : JSON.stringify(text);
}

function readBare(raw: string): string {
  return unsafe(raw.replace(ESCAPE_OR_COMMENT_SIGN, found => (found.length === 1 ? `\\${found}` : found)));
}

function readQuoted(raw: string): string | undefined {
  const match = QUOTED.exec(raw);
  if (match?.[1] === undefined) return match?.[2];
  const text = unsafe(match[1]);
  // `ini` hands back what it could not read, quotes and all.
  return text === match[1] ? undefined : text;
}
