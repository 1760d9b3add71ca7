// pure
import { excerpt } from './config-error.ts';

/** A line that is neither empty nor a comment: `[name]` or `key = raw`, without the white space around the parts. */
export type IniLine = IniSection | IniEntry | BadLine;

export interface IniSection {
  readonly kind: 'section';
  readonly line: number;
  readonly name: string;
}

export interface IniEntry {
  readonly kind: 'entry';
  readonly line: number;
  readonly key: string;
  /** The value as the file has it: quotes, escapes, and perhaps a comment behind it. */
  readonly raw: string;
}

/** A line that is neither a section, nor key = value, nor a comment. */
export interface BadLine {
  readonly kind: 'bad';
  readonly line: number;
  readonly problem: string;
}

const SECTION = /^\[([^\]]*)\]\s*(?:[;#].*)?$/s;

/**
 * Reads the structure of a conf file line by line, because the package `ini` gives no line numbers and swallows what it does not
 * understand: a line without '=' becomes `true`, `__proto__` vanishes, a dot in a section's name nests.
 */
export function* iniLines(text: string): Generator<IniLine> {
  let number = 0;
  for (const untrimmed of text.split(/\r\n|\n|\r/)) {
    number += 1;
    // White space to trim() is also the byte order mark that some editors put first.
    const line = untrimmed.trim();
    if (line.includes('\0')) yield { kind: 'bad', line: number, problem: 'a NUL byte: expected a text file in UTF-8' };
    else if (line !== '' && !/^[;#]/.test(line)) yield parseLine(number, line);
  }
}

function parseLine(number: number, line: string): IniLine {
  const section = SECTION.exec(line);
  if (section !== null) return { kind: 'section', line: number, name: (section[1] as string).trim() };
  const equals = line.indexOf('=');
  if (equals < 1 || line.startsWith('[')) {
    return { kind: 'bad', line: number, problem: `expected [section], key = value or a comment, found '${excerpt(line)}'` };
  }
  return { kind: 'entry', line: number, key: line.slice(0, equals).trim(), raw: line.slice(equals + 1).trim() };
}
