// pure
import { excerpt } from './config-error.ts';
import type { Field } from './field.ts';
import type { IniEntry } from './ini-lines.ts';
import { readIniValue } from './ini-value.ts';
import { suggest } from './suggestion.ts';
import type { Fields, PatternSection, Section, Sections } from './table.ts';

/** A section while its keys come in. */
export interface Draft {
  readonly name: string;
  readonly fields: Fields;
  readonly values: Record<string, unknown>;
  readonly lineOfKey: Map<string, number>;
}

/** The sections of one file, from all at their defaults to what the file makes of them. */
export class Drafts {
  readonly #sections: Sections;
  /** By every name that a file may use. */
  readonly #single = new Map<string, Draft>();
  readonly #patterned = new Map<PatternSection, Map<string | number, Draft>>();

  constructor(sections: Sections) {
    this.#sections = sections;
    for (const [name, section] of Object.entries(sections)) {
      if (section.kind === 'pattern') this.#patterned.set(section, new Map());
      else this.#addSingle(name, section);
    }
  }

  /** The section that a file calls `name`; undefined when the table has none. */
  open(name: string): Draft | undefined {
    const single = this.#single.get(name);
    if (single !== undefined) return single;
    for (const [section, drafts] of this.#patterned) {
      const key = section.parseName(name);
      if (key === undefined) continue;
      const draft = drafts.get(key) ?? newDraft(name, section.fields, {});
      drafts.set(key, draft);
      return draft;
    }
    return undefined;
  }

  finish(): Readonly<Record<string, unknown>> {
    const config: Record<string, unknown> = {};
    for (const [name, section] of Object.entries(this.#sections)) {
      config[name] = section.kind === 'pattern' ? this.#finishPattern(section) : Object.freeze(this.#single.get(name)?.values);
    }
    return Object.freeze(config);
  }

  #addSingle(name: string, section: Section): void {
    const defaults = Object.entries(section.fields).map(([key, field]) => [key, field.default]);
    const draft = newDraft(name, section.fields, Object.fromEntries(defaults));
    for (const known of [name, ...section.aliases]) this.#single.set(known, draft);
  }

  #finishPattern(section: PatternSection): ReadonlyMap<string | number, unknown> {
    const drafts = this.#patterned.get(section) ?? new Map<string | number, Draft>();
    return new Map(Array.from(drafts, ([key, draft]) => [key, Object.freeze(draft.values)]));
  }
}

/** @returns what is wrong with the line, if anything is */
export function setKey(draft: Draft, { line, key, raw }: IniEntry): string | undefined {
  const where = `[${excerpt(draft.name)}] ${excerpt(key)}`;
  const field = Object.hasOwn(draft.fields, key) ? draft.fields[key] : undefined;
  if (field === undefined) return `${where}: unknown key, ${suggest(key, Object.keys(draft.fields))}`;
  const before = draft.lineOfKey.get(key);
  if (before !== undefined) return `${where} is given twice, first on line ${before}`;
  const { text, problem } = readIniValue(raw);
  if (problem !== undefined) return `${where} = ${shown(raw, field)}: ${problem}`;
  const value = field.parse(text);
  if (value === undefined) {
    return `${where}${text === '' ? ' is empty' : ` = ${shown(raw, field)}`}: expected ${field.expected}`;
  }
  draft.lineOfKey.set(key, line);
  draft.values[key] = value;
  return undefined;
}

function shown(raw: string, field: Field<unknown>): string {
  return field.secret ? '(hidden)' : excerpt(raw);
}

function newDraft(name: string, fields: Fields, values: Record<string, unknown>): Draft {
  return { name, fields, values, lineOfKey: new Map() };
}
