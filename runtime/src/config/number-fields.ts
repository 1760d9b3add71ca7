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

/**
 * A duration whose text is in seconds, fractions allowed, unless it has another unit, and whose value is in milliseconds: `0.5` and `500ms` are 500.
 * @param options default and bounds in milliseconds
 */
export function duration(options: DecimalOptions): Field<number> {
  return durationField('a number of seconds', 's', options, formatSeconds);
}

/** A duration whose text is in milliseconds, unless it has another unit, and whose value is in whole milliseconds. */
export function milliseconds(options: FieldOptions<number> & Bounds): Field<number> {
  return durationField('a whole number of milliseconds', 'ms', options, String);
}

function durationField(noun: string, unit: 's' | 'ms', options: DecimalOptions, format: Notation['format']): Field<number> {
  const toValue = (text: string) => toMs(text, unit);
  const accepts = (text: string) => (unit === 'ms' ? Number.isSafeInteger(toValue(text)) : !Number.isNaN(toValue(text)));
  const field = numberField(noun, unit, options, { accepts, toValue, format });
  const hint = `expected ${field.expected}; it may have a unit: ${Object.keys(UNITS).join(', ')}`;
  return { ...field, explain: text => (/[0-9]\s*[a-z]+$/i.test(text) ? hint : undefined) };
}

export function bytes(options: FieldOptions<number> & Bounds): Field<number> {
  return wholeField('a whole number of bytes', 'bytes', options);
}

function wholeField(noun: string, unit: string, options: FieldOptions<number> & Bounds): Field<number> {
  const accepts = (text: string) => INTEGER.test(text) && Number.isSafeInteger(Number(text));
  return numberField(noun, unit, options, { accepts, toValue: Number, format: String });
}

function decimalField(noun: string, unit: string, options: DecimalOptions): Field<number> {
  return numberField(noun, unit, options, { accepts: text => DECIMAL.test(text), toValue: Number, format: String });
}

/** How a number stands in the file. */
interface Notation {
  accepts(text: string): boolean;
  /** @param text is accepted, or NaN may be returned */
  toValue(text: string): number;
  format(value: number): string;
}

function numberField(noun: string, unit: string, options: DecimalOptions, notation: Notation): Field<number> {
  return {
    default: options.default,
    meaning: options.meaning,
    expected: `${noun} in ${describeRange(options, notation)}`,
    unit,
    secret: false,
    parse(text) {
      // Without the sum, '-0' would be a zero that is not equal to 0 everywhere.
      const value = notation.toValue(text) + 0;
      return notation.accepts(text) && isWithin(value, options) ? value : undefined;
    },
    format: notation.format,
  };
}

function isWithin(value: number, { min, max, exclude }: DecimalOptions): boolean {
  const aboveMin = exclude === 'min' || exclude === 'both' ? value > min : value >= min;
  const belowMax = exclude === 'max' || exclude === 'both' ? value < max : value <= max;
  return aboveMin && belowMax;
}

function describeRange({ min, max, exclude }: DecimalOptions, { format }: Notation): string {
  const range = `${format(min)}..${format(max)}`;
  if (exclude === undefined) return range;
  return exclude === 'both' ? `${range}, both ends excluded` : `${range}, ${format(exclude === 'min' ? min : max)} excluded`;
}

/** What a duration may be written in: how many of a power of ten of milliseconds. */
const UNITS: Readonly<Record<string, { readonly count: number; readonly decimals: number }>> = {
  ms: { count: 1, decimals: 0 },
  s: { count: 1, decimals: 3 },
  min: { count: 60, decimals: 3 },
  h: { count: 3_600, decimals: 3 },
};
const WITH_UNIT = /^(.*?)\s*(ms|s|min|h)?$/;

/** @param bare the unit of a number without one. @returns NaN for what is no duration */
function toMs(text: string, bare: 's' | 'ms'): number {
  const [, number = '', unit = bare] = WITH_UNIT.exec(text) ?? [];
  const { count, decimals } = UNITS[unit] as { readonly count: number; readonly decimals: number };
  return DECIMAL.test(number) ? Number(shiftDecimals(number, decimals)) * count : Number.NaN;
}

/** A second has 10³ milliseconds. */
const MS_DECIMALS = 3;

/** The shortest text that `duration` parses to exactly this value. */
function formatSeconds(ms: number): string {
  const short = String(ms / 10 ** MS_DECIMALS);
  return Number(shiftDecimals(short, MS_DECIMALS)) === ms ? short : shiftDecimals(String(ms), -MS_DECIMALS);
}

/** The text of the number times 10 to the power of `places`. Unlike a multiplication, it is exact: 1.001 s are 1001 ms. */
function shiftDecimals(text: string, places: number): string {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e');
  return `${mantissa}e${Number(exponent) + places}`;
}
