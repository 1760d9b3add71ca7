// pure
/** Splits a JSON array into its elements with their lines, because JSON.parse tells only sometimes where something is wrong. */

export interface JsonElement {
  /** The line on which the element begins; counted from 1. */
  readonly line: number;
  /** The element's text, not parsed yet; empty where two commas follow one another. */
  readonly text: string;
}

/** Something else, or nothing, follows where one more element or the array's end is expected. */
export class JsonArrayError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

const TOKEN = /"(?:[^"\\\n]|\\.)*"|[\n[\]{},]|[^\s[\]{},"]+|"/g;

/**
 * @param text begins, after white space, with a bracket
 * @throws {JsonArrayError} while iterating, when the array is not closed or something follows it
 */
export function* jsonElements(text: string): Generator<JsonElement> {
  let line = 1;
  let depth = 0;
  let start = 0;
  let elementLine: number | undefined;
  let isEmpty = true;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === '\n') {
      line += 1;
      continue;
    }
    if (start > 0 && depth === 0) throw new JsonArrayError(`'${token.slice(0, 40)}' stands behind the array`, line);
    if (depth === 1 && token === '}') throw new JsonArrayError("a '}' closes nothing", line);
    const ends = depth === 1 && token === ']';
    if (depth === 1 && (token === ',' || ends)) {
      if (!(ends && isEmpty)) yield { line: elementLine ?? line, text: text.slice(start, index) };
      elementLine = undefined;
      isEmpty = false;
      start = index + 1;
    } else if (depth > 0) {
      elementLine ??= line;
      isEmpty = false;
    }
    if (token === '[' || token === '{') depth += 1;
    if (token === ']' || token === '}') depth -= 1;
    if (start === 0) start = index + 1;
  }
  if (depth > 0) throw new JsonArrayError('the array is not closed', line);
}
