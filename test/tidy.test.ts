/**
 * The house rules. Each is a function over files: first it must find what is wrong in a small bad example, and nothing in a good
 * one; then it judges the tree.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { dependenciesAreExplained, linksLeadSomewhere } from './support/tidy/doc-rules.ts';
import { type Example, glue, type House, manifest, ourPackages } from './support/tidy/examples.ts';
import {
  dependenciesAreUsed,
  importDirection,
  importsAreDeclared,
  importsStayInside,
  noImportCycles,
  relativeImportsExist,
} from './support/tidy/import-rules.ts';
import { sourcesIn, workspacesOf } from './support/tidy/imports.ts';
import { pureFilesImportPureFiles, pureFilesUseNoEnvironment, pureFoldersAreMarked } from './support/tidy/purity-rule.ts';
import { roomExamples } from './support/tidy/room-examples.ts';
import { formatViolation, type Rule, readTree } from './support/tidy/source-tree.ts';
import {
  kebabCaseNames,
  noAny,
  noConsole,
  noDefaultExports,
  noLongFiles,
  noMachineNames,
  noTestLeftOut,
  nothingUnfinished,
} from './support/tidy/text-rules.ts';

const rules: Readonly<Record<string, House>> = {
  'packages import in one direction': {
    rule: importDirection,
    bad: {
      ...ourPackages,
      'web/package.json': manifest('@lars/web'),
      'proto/src/a.ts': `import '@lars/runtime/log';`,
      'runtime/src/a.ts': `\nimport type { A } from '@lars/agent';`,
      'agent/src/a.ts': `await import('@lars/reporter/x');`,
      'agent/src/b.ts': `export * from '@lars/agent';`,
    },
    violations: [
      'proto/src/a.ts:1 proto must not import runtime',
      'runtime/src/a.ts:2 runtime must not import agent',
      'agent/src/a.ts:1 agent must not import reporter',
      'agent/src/b.ts:1 agent must not import agent',
      'web/package.json:1 nobody said what web may import',
    ],
    good: {
      ...ourPackages,
      'agent/src/a.ts': `import { a } from '@lars/proto';\nimport { b } from '@lars/runtime/log'; // not '@lars/reporter'`,
      'test/a.ts': `import '@lars/agent';\nimport '@lars/reporter';`,
    },
  },
  'packages reach each other by name': {
    rule: importsStayInside,
    bad: {
      ...ourPackages,
      'agent/src/a/b.ts': `import { a } from '../../../proto/src/a.ts';\nimport '../../agent-of-ours/x.ts';`,
    },
    violations: ["agent/src/a/b.ts:1 '../../../proto/src/a.ts' leaves agent/"],
    good: {
      ...ourPackages,
      'agent/src/a/b.ts': `import '../../bin/x.js';\nimport 'node:fs';`,
      'test/a.ts': `import '../agent/src/a/b.ts';`,
    },
  },
  'relative imports exist in a clean clone': {
    rule: relativeImportsExist,
    bad: { 'test/a.ts': `import './b.ts';\nimport d from '../data/d.json' with { type: 'json' };\nimport './a';` },
    violations: [
      "test/a.ts:1 './b.ts' is no file of the project",
      "test/a.ts:2 '../data/d.json' is no file of the project",
      "test/a.ts:3 './a' is no file of the project",
    ],
    good: {
      'a/b.ts': `import './c.ts';\nimport '../d.json';\nimport 'x';`,
      'a/c.ts': '',
      'd.json': '{}',
      'cli/bin/l.js': `import '../dist/m.js';`,
    },
  },
  'imported packages are declared': {
    rule: importsAreDeclared,
    bad: {
      ...ourPackages,
      'agent/src/a.ts': `import 'ini/x.js';\nimport 'pino';\nimport 'vite';\nimport '@a/c';\nimport '@lars/runtime/log';`,
    },
    violations: [
      'agent/src/a.ts:2 pino is no dependency in agent/package.json',
      'agent/src/a.ts:3 vite is no dependency in agent/package.json',
      'agent/src/a.ts:4 @a/c is no dependency in agent/package.json',
      'agent/src/a.ts:5 @lars/runtime is no dependency in agent/package.json',
    ],
    good: {
      ...ourPackages,
      'agent/src/a.ts': `import ini from 'ini';\nimport type { b } from '@a/b/c';\nimport '@lars/proto';\nimport 'node:fs';\nimport './b.ts';`,
      'agent/vite.config.ts': `import 'vite';`,
    },
  },
  'declared packages are imported': {
    rule: dependenciesAreUsed,
    bad: { ...ourPackages, 'agent/src/a.ts': `import '@lars/proto'; // import 'ini'` },
    violations: ['agent/package.json:4 ini is never imported', 'agent/package.json:8 @a/b is never imported'],
    good: { ...ourPackages, 'agent/src/a.ts': `import '@lars/proto'; import('ini'); import.meta.resolve('@a/b/c');` },
  },
  'imports make no cycle': {
    rule: noImportCycles,
    bad: {
      'agent/src/a.ts': `import './x/b.ts';`,
      'agent/src/x/b.ts': `\nimport type { C } from './c.ts';`,
      'agent/src/x/c.ts': `export { a } from '../a.ts';\nexport * from './c.ts';`,
    },
    violations: [
      'agent/src/x/c.ts:1 closes a cycle: agent/src/a.ts → agent/src/x/b.ts → agent/src/x/c.ts → agent/src/a.ts',
      'agent/src/x/c.ts:2 closes a cycle: agent/src/x/c.ts → agent/src/x/c.ts',
    ],
    good: {
      'agent/src/a.ts': `import './b.ts';\nimport './c.ts';`,
      'agent/src/b.ts': `import './c.ts';`,
      'agent/src/c.ts': `// import './a.ts'`,
    },
  },
  'the files of pure folders say so': {
    rule: pureFoldersAreMarked,
    bad: { 'proto/src/a.ts': '// impure', 'agent/src/balancer/x/b.ts': '\n// pure' },
    violations: [
      "proto/src/a.ts:1 the first line must be '// pure'",
      "agent/src/balancer/x/b.ts:1 the first line must be '// pure'",
    ],
    good: { 'proto/src/a.ts': '// pure\n', 'agent/src/a.ts': '', 'proto/lars.proto': '' },
  },
  'pure files know no clock, no chance, no timer, no process': {
    rule: pureFilesUseNoEnvironment,
    bad: {
      'agent/src/a.ts': `// pure\nDate.now();\nnew Date();\nMath.random();\nperformance.now();\nsetTimeout(f);\nsetInterval(f);\nsetImmediate(f);`,
      'agent/src/b.ts': `// pure\nf(\`\${process.pid}\`);\nglobalThis.x;\nconst f = Math . random;`,
    },
    violations: [
      ...['Date', 'Date', 'Math.random', 'performance', 'setTimeout', 'setInterval', 'setImmediate'].map(
        (name, at) => `agent/src/a.ts:${at + 2} a pure file must not use ${name}`,
      ),
      ...['process', 'globalThis', 'Math . random'].map(
        (name, at) => `agent/src/b.ts:${at + 2} a pure file must not use ${name}`,
      ),
    ],
    good: {
      'agent/src/a.ts': '\nDate.now();',
      'agent/src/b.ts': `// pure\n/** No Date, no\n * Math.random */\nf('Date', \`Date \${this.process.x}\`, /Date/, { Date: 1 }, x.setTimeout, updateDate);`,
    },
  },
  'pure files import pure files': {
    rule: pureFilesImportPureFiles,
    bad: {
      ...ourPackages,
      'agent/src/a.ts': `// pure\nimport 'node:fs';\nimport { b } from './b.ts';\nimport 'ini';\nimport { type C } from '@lars/runtime/c';\nimport 'protobufjs';`,
      'agent/src/b.ts': '',
      'runtime/src/c.ts': '',
    },
    violations: ['node:fs', './b.ts', 'ini', '@lars/runtime/c', 'protobufjs'].map(
      (name, at) => `agent/src/a.ts:${at + 2} a pure file must not import '${name}'`,
    ),
    good: {
      ...ourPackages,
      'agent/src/a.ts': `// pure\nimport './b.ts';\nimport { c } from '@lars/proto';\nimport { d } from '@lars/runtime/x/d';\nimport type {\n  E,\n} from 'node:fs';\nlet f: import('node:net').Socket;`,
      'agent/src/b.ts': '// pure',
      'proto/src/index.ts': `// pure\nimport 'protobufjs/minimal.js';`,
      'runtime/src/x/d.ts': '// pure',
      'runtime/src/config/e.ts': `// pure\nimport 'ini';`,
    },
  },
  'only what talks to people prints': {
    rule: noConsole,
    bad: { 'agent/src/a.ts': `f();\n  ${glue('con', 'sole')}.error(1);`, 'test/a.ts': `${glue('con', 'sole')}.log(1);` },
    violations: [
      `agent/src/a.ts:2 ${glue('con', 'sole')}.error outside cli/, bench/, examples/`,
      `test/a.ts:1 ${glue('con', 'sole')}.log outside cli/, bench/, examples/`,
    ],
    good: { 'cli/src/a.ts': `${glue('con', 'sole')}.log(1);`, 'agent/src/a.ts': '// console.x\nthis.console.x;' },
  },
  'nothing is left unfinished': {
    rule: nothingUnfinished,
    bad: { 'a/b.ts': `f(); // ${glue('TO', 'DO')}: more`, 'a.md': `\n${glue('FIX', 'ME')}`, 'c.proto': `// ${glue('XX', 'X')}` },
    violations: [
      `a/b.ts:1 ${glue('TO', 'DO')} is left`,
      `a.md:2 ${glue('FIX', 'ME')} is left`,
      `c.proto:1 ${glue('XX', 'X')} is left`,
    ],
    good: { 'a.ts': `f('TODOS', 'todo')`, 'package-lock.json': `"sha512-${glue('+XX', 'X')}/"` },
  },
  'no test is left out': {
    rule: noTestLeftOut,
    bad: {
      'test/a.test.ts': `test${glue('.sk', 'ip')}('a', f);\ndescribe${glue('.on', 'ly')}('b', f);\nit${glue('.to', 'do')}('c');`,
    },
    violations: ['.sk|ip', '.on|ly', '.to|do'].map(
      (name, at) => `test/a.test.ts:${at + 1} ${glue(...name.split('|'))}() leaves tests out`,
    ),
    good: { 'test/a.test.ts': `test('a', () => skip(1)); // ${glue('.sk', 'ip')}()` },
  },
  'no any': {
    rule: noAny,
    bad: { 'agent/src/a.ts': 'let a: any;\nb as any;\nlet c: Map<any, d>;\nlet e: string | any;\nlet f: (any[]);' },
    violations: [1, 2, 3, 4, 5].map(line => `agent/src/a.ts:${line} the type 'any'`),
    good: { 'agent/src/a.ts': `f('as any', any, { any: 1 }); // : any`, 'test/a.ts': 'let a: any;' },
  },
  'no default exports': {
    rule: noDefaultExports,
    bad: { 'agent/src/a.ts': 'export default a;\nexport {\n a, b as default };' },
    violations: ['agent/src/a.ts:1 a default export', 'agent/src/a.ts:2 a default export'],
    good: { 'agent/src/a.ts': `import { default as a } from 'a';\nexport { a };`, 'vitest.config.ts': 'export default {};' },
  },
  'names are kebab-case': {
    rule: kebabCaseNames,
    bad: { 'agent/src/aB.ts': '', 'agent/src/a_b.ts': '', 'test/A/b.ts': '', 'test/a-.ts': '' },
    violations: ['agent/src/aB.ts', 'agent/src/a_b.ts', 'test/A/b.ts', 'test/a-.ts'].map(
      path => `${path}:1 the name is not kebab-case`,
    ),
    good: { 'agent/src/a-b2.ts': '', 'test/0001-a.test.ts': '', 'README.md': '', 'a-b/c.d-e.js': '' },
  },
  'files are not long': {
    rule: noLongFiles,
    bad: { 'agent/src/a.ts': 'x\n'.repeat(351) },
    violations: ['agent/src/a.ts:351 351 lines, at most 350: it has two reasons to change'],
    good: { 'agent/src/a.ts': 'x\n'.repeat(350), 'docs/a.md': 'x\n'.repeat(1000) },
  },
  'no machine and no registry is named': {
    rule: noMachineNames,
    bad: {
      'a.md': glue('x\ncd /wo', 'rk/main'),
      'b.json': glue('https://regis', 'try.example/'),
      '.ci/c': glue('http://de', 'b.example/'),
    },
    violations: [
      glue("a.md:2 '/wo", "rk/' is a path of one machine"),
      glue("b.json:1 'https://regis", "try.' is a package registry"),
      glue(".ci/c:1 'http://de", "b.' is a package registry"),
    ],
    good: { 'package-lock.json': glue('https://regis', 'try.example/'), 'a.md': 'network/a, https://example/registry' },
  },
  ...roomExamples,
  'links lead somewhere': {
    rule: linksLeadSomewhere,
    bad: { 'docs/a.md': '[b](b.md)\n\n![c](../c.svg) and [ref][d]\n\n[d]: ../d.md#there\n[e](../docs/f/)' },
    violations: ['b.md', '../c.svg', '../d.md', '../docs/f/'].map(
      (target, at) => `docs/a.md:${[1, 3, 5, 6][at]} the link to ${target} leads nowhere`,
    ),
    good: {
      'docs/a.md':
        '[b](b.md#x) [c](../c/) [d](https://example/d) [e](#e) [f](<b.md>) [g](b.md "title") `[h](h.md)`\n```\n[i](i.md)\n```\n[root](..)',
      'docs/b.md': '',
      'c/d/e.ts': '',
    },
  },
  'dependencies are explained': {
    rule: dependenciesAreExplained,
    bad: { ...ourPackages, 'docs/dependencies.md': 'vite, ini\n\n| `@a/bc` | why @a/b |' },
    violations: [
      'package.json:4 vite has no row in docs/dependencies.md',
      'agent/package.json:4 ini has no row in docs/dependencies.md',
      'agent/package.json:8 @a/b has no row in docs/dependencies.md',
    ],
    good: { ...ourPackages, 'docs/dependencies.md': '| vite | why |\n| `@a/b`, ini | why |' },
  },
};

const check = (rule: Rule, example: Example): string[] =>
  rule(Object.entries(example).map(([path, text]) => ({ path, text }))).map(formatViolation);

const tree = readTree(fileURLToPath(new URL('..', import.meta.url)));

test('the tree that is judged has all our packages in it', () => {
  const root = JSON.parse(tree.find(file => file.path === 'package.json')?.text ?? '{}') as { readonly workspaces?: string[] };
  expect(workspacesOf(tree).map(workspace => workspace.folder)).toStrictEqual(root.workspaces?.toSorted());
  for (const { folder } of workspacesOf(tree)) expect(sourcesIn(folder, tree)).not.toHaveLength(0);
});

describe.each(Object.entries(rules))('%s', (_name, { rule, bad, violations, good }) => {
  test('finds what is wrong in the bad example, nothing in the good one', () => {
    expect(check(rule, bad).sort()).toStrictEqual([...violations].sort());
    expect(check(rule, good)).toStrictEqual([]);
  });

  test('the tree keeps it', () => {
    expect(rule(tree).map(formatViolation)).toStrictEqual([]);
  });
});
