// pure
import { iniLines } from './ini-lines.ts';
import { writeIniValue } from './ini-value.ts';
import type { ConfigTable, Fields, PatternSection } from './table.ts';

/** One state of a conf file. */
export interface ConfigState {
  /** The names of pattern sections stand there alone. */
  readonly text: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface ConfigChange {
  /** '[tcp] port' */
  readonly key: string;
  /** 'default' where a section that may leave it out does so. Secrets are hidden. */
  readonly before: string;
  readonly after: string;
}

/** Which keys have another value now. */
export function describeChanges(table: ConfigTable, before: ConfigState, after: ConfigState): ConfigChange[] {
  return Object.entries(table.sections).flatMap(([name, section]) => {
    const [old, now] = [before.config[name], after.config[name]];
    if (section.kind === 'section') return changesOf(`[${name}]`, section.fields, old as Values, now as Values);
    const olds = old as ReadonlyMap<string | number, Values>;
    const nows = now as ReadonlyMap<string | number, Values>;
    const names = new Map([...patternNames(section, before.text), ...patternNames(section, after.text)]);
    return [...new Set([...olds.keys(), ...nows.keys()])].flatMap(key =>
      changesOf(`[${names.get(key) ?? key}]`, section.fields, olds.get(key) ?? {}, nows.get(key) ?? {}),
    );
  });
}

type Values = Readonly<Record<string, unknown>>;

function changesOf(section: string, fields: Fields, before: Values, after: Values): ConfigChange[] {
  return Object.entries(fields)
    .filter(([key]) => before[key] !== after[key])
    .map(([key, field]) => {
      const shown = (value: unknown) => {
        if (value === undefined) return 'default';
        return field.secret ? '(hidden)' : `${writeIniValue(field.format(value))} ${field.unit}`.trimEnd();
      };
      return { key: `${section} ${key}`, before: shown(before[key]), after: shown(after[key]) };
    });
}

/** What the file calls the sections of this form, by what they are filed under. */
function* patternNames(section: PatternSection, text: string): Generator<[string | number, string]> {
  for (const line of iniLines(text)) {
    const key = line.kind === 'section' ? section.parseName(line.name) : undefined;
    if (line.kind === 'section' && key !== undefined) yield [key, line.name];
  }
}
