// pure

import { Drafts, setKey } from './config-builder.ts';
import { ConfigError, excerpt } from './config-error.ts';
import { iniLines } from './ini-lines.ts';
import { suggest } from './suggestion.ts';
import type { ConfigTable, ConfigValues, Sections } from './table.ts';

/** No conf file is larger; one that is was not meant to be one. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

export interface ConfigText {
  /** How errors name the text. */
  readonly path: string;
  readonly text: string;
}

/**
 * Reads a conf file's text. Sections and keys that are left out have their defaults; whatever the table does not know is refused.
 * A section may stand in the file more than once, a key of it only once.
 * @returns frozen sections of plain values; a pattern section becomes a Map of the keys that were given
 * @throws {ConfigError} for the first line that is wrong
 */
export function loadConfig<S extends Sections>(table: ConfigTable<S>, { path, text }: ConfigText): ConfigValues<S> {
  if (text.length > MAX_CONFIG_BYTES) throw new ConfigError(path, undefined, `larger than ${MAX_CONFIG_BYTES} bytes`);
  const drafts = new Drafts(table.sections);
  let draft: ReturnType<Drafts['open']>;
  for (const line of iniLines(path, text)) {
    if (line.kind === 'section') {
      draft = drafts.open(line.name);
      if (draft === undefined) throw new ConfigError(path, line.line, unknownSection(line.name, table.sections));
    } else {
      const problem = draft === undefined ? `'${excerpt(line.key)}' stands before any [section]` : setKey(draft, line);
      if (problem !== undefined) throw new ConfigError(path, line.line, problem);
    }
  }
  return drafts.finish() as ConfigValues<S>;
}

function unknownSection(name: string, sections: Sections): string {
  const known = Object.entries(sections).map(([key, section]) => (section.kind === 'pattern' ? section.form : key));
  return `unknown section [${excerpt(name)}], ${suggest(name, known, written => `[${written}]`)}`;
}
