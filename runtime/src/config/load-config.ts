// pure

import { assign, ConfigBuilder } from './config-builder.ts';
import { ConfigError, excerpt } from './config-error.ts';
import { iniLines } from './ini-lines.ts';
import { suggest } from './suggestion.ts';
import type { ConfigTable, ConfigValues, Sections } from './table.ts';

/** A larger file is certainly not a conf file. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

export interface ConfigText {
  /** How errors name the text. */
  readonly path: string;
  readonly text: string;
}

/**
 * Reads a conf file's text. Sections and keys that are left out have their defaults; anything that the table does not know is refused.
 * A section may occur more than once in the file, each of its keys only once.
 * @returns frozen sections of plain values; a pattern section becomes a Map of the keys that were given
 * @throws {ConfigError} for the first line that is wrong
 */
export function loadConfig<S extends Sections>(table: ConfigTable<S>, { path, text }: ConfigText): ConfigValues<S> {
  if (text.length > MAX_CONFIG_BYTES) throw new ConfigError(path, undefined, `larger than ${MAX_CONFIG_BYTES} bytes`);
  const builder = new ConfigBuilder(table.sections);
  let section: ReturnType<ConfigBuilder['openSection']>;
  for (const line of iniLines(path, text)) {
    if (line.kind === 'section') {
      section = builder.openSection(line.name);
      if (section === undefined) throw new ConfigError(path, line.line, unknownSection(line.name, table.sections));
    } else {
      const problem = section === undefined ? `'${excerpt(line.key)}' stands before any [section]` : assign(section, line);
      if (problem !== undefined) throw new ConfigError(path, line.line, problem);
    }
  }
  return builder.build() as ConfigValues<S>;
}

function unknownSection(name: string, sections: Sections): string {
  const known = Object.entries(sections).map(([key, section]) => (section.kind === 'pattern' ? section.form : key));
  return `unknown section [${excerpt(name)}], ${suggest(name, known, written => `[${written}]`)}`;
}
