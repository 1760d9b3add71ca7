import type { Rule } from './source-tree.ts';

/** Path to text. */
export type Example = Readonly<Record<string, string>>;

export interface House {
  readonly rule: Rule;
  readonly bad: Example;
  readonly violations: readonly string[];
  readonly good: Example;
}

/** Says what this file must not contain itself. */
export const glue = (...parts: readonly string[]): string => parts.join('');

export const manifest = (name: string, fields: object = {}): string => JSON.stringify({ name, ...fields }, null, 1);
export const ourPackages: Example = {
  'package.json': manifest('lars', { devDependencies: { vite: '1' } }),
  'proto/package.json': manifest('@lars/proto', { exports: { '.': { source: './src/index.ts' } } }),
  'runtime/package.json': manifest('@lars/runtime', { exports: { './*': { source: './src/*.ts' } } }),
  'agent/package.json': manifest('@lars/agent', {
    dependencies: { ini: '1', '@lars/proto': '*' },
    optionalDependencies: { '@a/b': '1' },
  }),
  'reporter/package.json': manifest('@lars/reporter'),
};
