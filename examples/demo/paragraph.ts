// pure
/** A width that every terminal shows without breaking lines. */
const WIDTH = 80;
/** A number and its unit stay together. */
const UNIT_SPACE = /(?<=\d) (?=%|(?:s|ms)\b)/g;
const HARD_SPACE = '\u00a0';

/** Breaks a text into lines at its spaces. */
export function paragraph(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replaceAll(UNIT_SPACE, HARD_SPACE).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map(broken => broken.replaceAll(HARD_SPACE, ' '));
}
