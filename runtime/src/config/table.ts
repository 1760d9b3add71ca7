// pure
/** The table that a conf file is declared with, and the type of the configuration that comes out of it. */
import type { Field } from './field.ts';
import { readIniValue, writeIniValue } from './ini-value.ts';

export type Fields = Readonly<Record<string, Field<unknown>>>;

/** `[name]`: keys that are left out have their defaults. */
export interface Section<F extends Fields = Fields> {
  readonly kind: 'section';
  readonly meaning: string;
  readonly fields: F;
  /** Other names under which deployed files have this section. */
  readonly aliases: readonly string[];
}

/**
 * Any number of sections that share a form, like `[module 1/2]`. Only the keys that are given come out: such a section usually
 * overrides what stands elsewhere.
 */
export interface PatternSection<Key extends string | number = string | number, F extends Fields = Fields> {
  readonly kind: 'pattern';
  /** How the name is written, for people: 'module MODID/CMDID'. */
  readonly form: string;
  /** A name of this form, for the sample file. */
  readonly example: string;
  readonly meaning: string;
  readonly fields: F;
  /** What the section is filed under; undefined when the name is not of this form. */
  parseName(name: string): Key | undefined;
}

export type Sections = Readonly<Record<string, Section | PatternSection>>;

export interface ConfigTable<S extends Sections = Sections> {
  /** The conf file's usual name: 'agent.ini'. */
  readonly file: string;
  /** What the file configures, in a sentence. */
  readonly title: string;
  readonly sections: S;
}

/** The configuration that `table` describes, section by section. */
export type ConfigOf<T extends ConfigTable> = ConfigValues<T['sections']>;

export type ConfigValues<S extends Sections> = {
  readonly [Name in keyof S]: S[Name] extends PatternSection<infer Key, infer F>
    ? ReadonlyMap<Key, Partial<FieldValues<F>>>
    : FieldValues<S[Name]['fields']>;
};

export type FieldValues<F extends Fields> = {
  readonly [Key in keyof F]: F[Key] extends Field<infer T> ? T : never;
};

/**
 * Declares a conf file.
 * @throws {TypeError} when the table contradicts itself: a name that no conf file can have, a default outside its own bounds
 */
export function defineConfig<S extends Sections>(table: ConfigTable<S>): ConfigTable<S> {
  for (const [name, { fields }] of Object.entries<Sections[string]>(table.sections)) {
    checkName(name, `${table.file}: section`);
    for (const [key, field] of Object.entries(fields)) {
      checkName(key, `${table.file}: [${name}]`);
      checkDefault(field, `${table.file}: [${name}] ${key}`);
    }
  }
  return table;
}

export function section<F extends Fields>(
  meaning: string,
  fields: F,
  options: { readonly aliases?: readonly string[] } = {},
): Section<F> {
  return { kind: 'section', meaning, fields, aliases: options.aliases ?? [] };
}

export function patternSection<Key extends string | number, F extends Fields>(
  options: Omit<PatternSection<Key, F>, 'kind'>,
): PatternSection<Key, F> {
  return { kind: 'pattern', ...options };
}

function checkName(name: string, where: string): void {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) throw new TypeError(`${where} '${name}': expected letters, digits and _`);
}

/** The sample file shows every default, so each must be a value that the file may have. */
function checkDefault(field: Field<unknown>, where: string): void {
  const { text } = readIniValue(writeIniValue(field.format(field.default)));
  if (text === undefined || field.parse(text) !== field.default) {
    throw new TypeError(`${where}: the default '${field.format(field.default)}' is not ${field.expected}`);
  }
}
