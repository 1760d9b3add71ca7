import { parseArgs } from 'node:util';

export interface Flags {
  /** The sections to measure. */
  readonly names: readonly string[];
  /** Only print; write neither the page nor plots. */
  readonly print: boolean;
}

/** @throws {Error} that names the flag which is wrong, and what would be right */
export function parseFlags(args: readonly string[], sections: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: { print: { type: 'boolean', default: false }, only: { type: 'string' } },
  });
  const names = values.only === undefined ? sections : values.only.split(',');
  const unknown = names.find(name => !sections.includes(name));
  if (unknown !== undefined) throw new Error(`--only: '${unknown}' is none of ${sections.join(', ')}`);
  return { names, print: values.print };
}
