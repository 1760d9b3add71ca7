// pure
import type { Field, FieldOptions } from './field.ts';

/** Both ends belong to the range. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

export interface DecimalOptions extends FieldOptions<number>, Bounds {
  /** Ends of the range that are not allowed themselves. */
  readonly exclude?: 'min' | 'max' | 'both';
}

export type RatioOptions = Omit<DecimalOptions, 'min' | 'max'>;

const INTEGER = /^[+-]?[0-9]+$/;
const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** A whole number; `bounds` lie within the safe integers. */
export function integer(options: FieldOptions<number> & Bounds): Field<number> {
  return wholeField('an integer', '', options);
}

export function decimal(options: DecimalOptions): Field<number> {
  return decimalField('a number', '', options);
}

/** A number in 0..1. */
export function ratio(options: RatioOptions): Field<number> {
  return decimalField('a number', '', { ...options, min: 0, max: 1 });
}

/** A duration whose value is in seconds, fractions allowed: 0.5 is half a second. */
export function seconds(options: DecimalOptions): Field<number> {
  return decimalField('a number of seconds', 's', options);
}

/** A duration whose value is in whole milliseconds. */
export function milliseconds(options: FieldOptions<number> & Bounds): Field<number> {
  return wholeField('a whole number of milliseconds', 'ms', options);
}

export function bytes(options: FieldOptions<number> & Bounds): Field<number> {
  return wholeField('a whole number of bytes', 'bytes', options);
}

function wholeField(noun: string, unit: string, options: FieldOptions<number> & Bounds): Field<number> {
  return numberField(noun, unit, options, text => INTEGER.test(text) && Number.isSafeInteger(Number(text)));
}

function decimalField(noun: string, unit: string, options: DecimalOptions): Field<number> {
  return numberField(noun, unit, options, text => DECIMAL.test(text));
}

function numberField(noun: string, unit: string, options: DecimalOptions, isNumber: (text: string) => boolean): Field<number> {
  return {
    default: options.default,
    meaning: options.meaning,
    expected: `${noun} in ${describeRange(options)}`,
    unit,
    secret: false,
    parse(text) {
      // Without the sum, '-0' would be a zero that is not equal to 0 everywhere.
      const value = Number(text) + 0;
      return isNumber(text) && isWithin(value, options) ? value : undefined;
    },
    format: String,
  };
}

function isWithin(value: number, { min, max, exclude }: DecimalOptions): boolean {
  const aboveMin = exclude === 'min' || exclude === 'both' ? value > min : value >= min;
  const belowMax = exclude === 'max' || exclude === 'both' ? value < max : value <= max;
  return aboveMin && belowMax;
}

function describeRange({ min, max, exclude }: DecimalOptions): string {
  const range = `${min}..${max}`;
  if (exclude === undefined) return range;
  return exclude === 'both' ? `${range}, both ends excluded` : `${range}, ${exclude === 'min' ? min : max} excluded`;
}
