// pure
/** One key of a conf file: how its text becomes a value of type T, and its description for operators. */
export interface Field<T> {
  readonly default: T;
  /** What the key does: a sentence for the sample file and the docs. */
  readonly meaning: string;
  /** What a good value is, in words that follow 'expected': 'an integer in 1..10'. */
  readonly expected: string;
  /** The unit as it stands behind a value in the docs: 's', 'ms', 'bytes', or '' for none. */
  readonly unit: string;
  /** A secret never shows in an error. */
  readonly secret: boolean;
  /** `text` is free of quotes, escapes and comments. @returns undefined when it is no value of this kind */
  parse(text: string): T | undefined;
  /** What is wrong with a text that `parse` does not take, where that can be said more exactly than with `expected`. */
  explain?(text: string): string | undefined;
  /** The text that `parse` takes for this value. */
  format(value: T): string;
}

/** What every kind of field is declared with. */
export interface FieldOptions<T> {
  readonly default: T;
  readonly meaning: string;
}
