// pure
import { characterWidth, textWidth } from './text-width.ts';

/** What is too long for a line of the terminal. */

/** Keeps both ends: 'a-very-long-name.example:8080' → 'a-very-lo…mple:8080'. Widths are in characters. */
export function shortened(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  const head = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (width - 1 - head)).join('')}`;
}

/**
 * Breaks a text between its words. A word that is longer than a line stays whole.
 * @param indent of the first line
 * @param hanging of the lines behind it
 */
export function wrapped(text: string, width: number, indent = '', hanging = indent): string[] {
  const lines: string[] = [];
  let line = indent;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    const longer = isEmpty ? line + word : `${line} ${word}`;
    if (!isEmpty && textWidth(longer) > width) {
      lines.push(line);
      line = hanging + word;
    } else line = longer;
    isEmpty = false;
  }
  return [...lines, line];
}

const UNDER = '    ';

/** A table whose last column has no room: its text stands under each row, broken between its words. */
export function underRows(table: string, texts: readonly string[], width: number): string {
  const [title = '', ...rows] = table.trimEnd().split('\n');
  const lines = rows.flatMap((row, i) => [row, ...(texts[i] ? wrapped(texts[i], width, UNDER) : [])]);
  return [title, ...lines].map(line => `${line}\n`).join('');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of terminals begin with one
const ESCAPE = /^\u001b\[[0-9;?]*[A-Za-z]/;
const RESET = '\u001b[0m';

/** Cuts a painted line to the width of the terminal; escape sequences take no room, and what is cut off leaves no paint behind. */
export function clipped(line: string, width: number): string {
  let shown = '';
  let room = width;
  for (let rest = line; rest !== ''; ) {
    const sequence = ESCAPE.exec(rest)?.[0];
    const next = sequence ?? String.fromCodePoint(rest.codePointAt(0) ?? 0);
    const taken = sequence === undefined ? characterWidth(next) : 0;
    if (taken > room) return shown.includes('\u001b') ? shown + RESET : shown;
    room -= taken;
    shown += next;
    rest = rest.slice(next.length);
  }
  return shown;
}
