// pure
/** What a terminal in raw mode sends for each key that `lars top` knows. */

export type Key = 'up' | 'down' | 'page-up' | 'page-down' | 'home' | 'end' | 'enter' | 'escape' | 'quit' | Letter;
export type Letter = { readonly letter: string };

const SEQUENCES: Readonly<Record<string, Key>> = {
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'home',
  '\u001b[1~': 'home',
  '\u001b[F': 'end',
  '\u001b[4~': 'end',
  '\u001b[C': 'enter',
  '\u001b[D': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\u001b': 'escape',
  '\u007f': 'escape',
  '\u0003': 'quit',
  '\u0004': 'quit',
  q: 'quit',
  k: 'up',
  j: 'down',
};

/** The keys in what was read at once; unknown sequences are left out. */
export function readKeys(input: string): Key[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of terminals begin with one
  const parts = input.match(/\u001b\[[0-9;]*[A-Za-z~]|\u001bO[A-Z]|./gsu) ?? [];
  return parts.flatMap(part => SEQUENCES[part] ?? (/^[a-z]$/.test(part) ? { letter: part } : []));
}
