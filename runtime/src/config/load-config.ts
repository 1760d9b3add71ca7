// pure

import { suggest } from '@lars/proto/suggestion';
import { assign, ConfigBuilder } from './config-builder.ts';
import { ConfigError, excerpt } from './config-error.ts';
import { iniLines } from './ini-lines.ts';
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
export function loadConfig<S extends Sections>(table: ConfigTable<S>, source: ConfigText): ConfigValues<S> {
  return build(table, source, error => {
    throw error;
  });
}

/** More would not be read. */
const MAX_PROBLEMS = 100;

/** Everything that loadConfig would refuse in the text, line by line, as far as one can go on after the first; the first hundred. */
export function findConfigProblems<S extends Sections>(table: ConfigTable<S>, source: ConfigText): readonly ConfigError[] {
  const problems: ConfigError[] = [];
  build(table, source, error => {
    if (problems.length < MAX_PROBLEMS) problems.push(error);
  });
  return problems;
}

/** @param onProblem may throw; otherwise the line is left out */
function build<S extends Sections>(
  table: ConfigTable<S>,
  { path, text }: ConfigText,
  onProblem: (error: ConfigError) => void,
): ConfigValues<S> {
  const builder = new ConfigBuilder(table.sections);
  const tell = (line: number | undefined, problem: string) => onProblem(new ConfigError(path, line, problem));
  if (text.length > MAX_CONFIG_BYTES) {
    tell(undefined, `larger than ${MAX_CONFIG_BYTES} bytes`);
    return builder.build() as ConfigValues<S>;
  }
  let section: ReturnType<ConfigBuilder['openSection']>;
  let isUnknown = false;
  for (const line of iniLines(text)) {
    if (line.kind === 'bad') tell(line.line, line.problem);
    else if (line.kind === 'section') {
      section = builder.openSection(line.name);
      isUnknown = section === undefined;
      if (isUnknown) tell(line.line, unknownSection(line.name, table.sections));
    } else if (section !== undefined) {
      const problem = assign(section, line);
      if (problem !== undefined) tell(line.line, problem);
      // The keys of an unknown section are not told one by one.
    } else if (!isUnknown) tell(line.line, `'${excerpt(line.key)}' stands before any [section]`);
  }
  return builder.build() as ConfigValues<S>;
}

function unknownSection(name: string, sections: Sections): string {
  const known = Object.entries(sections).map(([key, section]) => (section.kind === 'pattern' ? section.form : key));
  return `unknown section [${excerpt(name)}], ${suggest(name, known, written => `[${written}]`)}`;
}
