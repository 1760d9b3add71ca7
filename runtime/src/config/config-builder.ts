// pure

import { suggest } from '@lars/proto/suggestion';
import { excerpt } from './config-error.ts';
import type { Field } from './field.ts';
import type { IniEntry } from './ini-lines.ts';
import { readIniValue } from './ini-value.ts';
import type { Fields, PatternSection, Section, Sections } from './table.ts';

/** One section while its keys are read. */
export interface SectionBuilder {
  readonly name: string;
  readonly fields: Fields;
  readonly values: Record<string, unknown>;
  readonly lineOfKey: Map<string, number>;
}

/** The sections of one file: first all at their defaults, then with the keys that the file has. */
export class ConfigBuilder {
  readonly #sections: Sections;
  /** The sections by every name that a file may use. */
  readonly #single = new Map<string, SectionBuilder>();
  readonly #patterned = new Map<PatternSection, Map<string | number, SectionBuilder>>();

  constructor(sections: Sections) {
    this.#sections = sections;
    for (const [name, section] of Object.entries(sections)) {
      if (section.kind === 'pattern') this.#patterned.set(section, new Map());
      else this.#addSingle(name, section);
    }
  }

  /** The section that a file calls `name`; undefined when the table has none. */
  openSection(name: string): SectionBuilder | undefined {
    const single = this.#single.get(name);
    if (single !== undefined) return single;
    for (const [section, builders] of this.#patterned) {
      const key = section.parseName(name);
      if (key === undefined) continue;
      const builder = builders.get(key) ?? newSection(name, section.fields, {});
      builders.set(key, builder);
      return builder;
    }
    return undefined;
  }

  build(): Readonly<Record<string, unknown>> {
    const config: Record<string, unknown> = {};
    for (const [name, section] of Object.entries(this.#sections)) {
      config[name] = section.kind === 'pattern' ? this.#finishPattern(section) : Object.freeze(this.#single.get(name)?.values);
    }
    return Object.freeze(config);
  }

  #addSingle(name: string, section: Section): void {
    const defaults = Object.entries(section.fields).map(([key, field]) => [key, field.default]);
    const builder = newSection(name, section.fields, Object.fromEntries(defaults));
    for (const known of [name, ...section.aliases]) this.#single.set(known, builder);
  }

  #finishPattern(section: PatternSection): ReadonlyMap<string | number, unknown> {
    const builders = this.#patterned.get(section) ?? new Map<string | number, SectionBuilder>();
    return new Map(Array.from(builders, ([key, builder]) => [key, Object.freeze(builder.values)]));
  }
}

/** @returns what is wrong with the line, if anything is */
export function assign(builder: SectionBuilder, { line, key, raw }: IniEntry): string | undefined {
  const where = `[${excerpt(builder.name)}] ${excerpt(key)}`;
  const field = Object.hasOwn(builder.fields, key) ? builder.fields[key] : undefined;
  if (field === undefined) return `${where}: unknown key, ${suggest(key, Object.keys(builder.fields))}`;
  const before = builder.lineOfKey.get(key);
  if (before !== undefined) return `${where} is given twice, first on line ${before}`;
  const { text, problem: unreadable } = readIniValue(raw);
  if (unreadable !== undefined) return `${where} = ${shown(raw, field)}: ${unreadable}`;
  const value = field.parse(text);
  if (value === undefined) {
    const problem = field.explain?.(text);
    return `${where}${text === '' ? ' is empty' : ` = ${shown(raw, field)}`}: ${problem ?? `expected ${field.expected}`}`;
  }
  builder.lineOfKey.set(key, line);
  builder.values[key] = value;
  return undefined;
}

function shown(raw: string, field: Field<unknown>): string {
  return field.secret ? '(hidden)' : excerpt(raw);
}

function newSection(name: string, fields: Fields, values: Record<string, unknown>): SectionBuilder {
  return { name, fields, values, lineOfKey: new Map() };
}
