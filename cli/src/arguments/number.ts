// pure
import { UsageError } from '../errors.ts';

/** Reads an option's value that is a whole number in min..max; both belong to the range. */
export function integerOption(name: string, min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= min && value <= max) return value;
    throw new UsageError(`${name} ${text}: expected an integer in ${min}..${max}`);
  };
}

/** The same for a number that may have a fraction; `min` itself is excluded. @param noun what it is a number of */
export function decimalOption(name: string, min: number, max: number, noun = 'a number'): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^[0-9]+(\.[0-9]+)?$/.test(text) && value > min && value <= max) return value;
    throw new UsageError(`${name} ${text}: expected ${noun} above ${min}, at most ${max}`);
  };
}
