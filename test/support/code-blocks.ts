import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);

/** A fenced block of a page. */
export interface CodeBlock {
  /** 'README.md:51', where it begins. */
  readonly at: string;
  readonly language: string;
  readonly text: string;
}

/** @param file of the project, by its path from the root */
export function codeBlocksOf(file: string): CodeBlock[] {
  const text = readFileSync(fileURLToPath(new URL(file, ROOT)), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(({ index, 1: language = '', 2: block = '' }) => {
    const line = text.slice(0, index).split('\n').length;
    return { at: `${file}:${line}`, language, text: block };
  });
}

/** The commands of a block of a shell, without comments. */
export function commandsOf({ text }: CodeBlock): string[] {
  const lines = text.split('\n').map(line => line.replace(/(^|\s)#.*/, '').trim());
  return lines.filter(line => line !== '');
}
