import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { publishedName, tarballName, withPublishedNames } from '../../../../scripts/release/names.ts';
import { packedManifest, type WorkspaceManifest } from '../../../../scripts/release/packed-manifest.ts';
import { packedReadme } from '../../../../scripts/release/packed-readme.ts';
import { projectVersion, publishedFiles, ROOT, readWorkspaces } from '../../../../scripts/release/workspace.ts';

const workspaces = ['@lars/proto', '@lars/client-sdk', '@lars/cli'];
const inScope = (name: string) => publishedName(name, '@acme');

describe('names', () => {
  test('are those of the workspaces, but for the command', () => {
    expect(workspaces.map(name => publishedName(name))).toStrictEqual(['@lars/proto', '@lars/client-sdk', 'lars']);
    expect(tarballName('@lars/client-sdk', '1.2.3')).toBe('lars-client-sdk-1.2.3.tgz');
    expect(tarballName('lars', '1.2.3')).toBe('lars-1.2.3.tgz');
  });

  test('another scope is written into every text, and nothing else is touched', () => {
    const text = `import { a } from '@lars/proto';\nimport '@lars/proto/in-place/decode'; // @lars/protobuf, x@lars.example`;
    expect(withPublishedNames(text, workspaces, inScope)).toBe(
      `import { a } from '@acme/proto';\nimport '@acme/proto/in-place/decode'; // @lars/protobuf, x@lars.example`,
    );
    expect(withPublishedNames(text, workspaces)).toBe(text);
  });
});

describe('the package.json that is packed', () => {
  const manifest: WorkspaceManifest = {
    name: '@lars/client-sdk',
    version: '0.1.0',
    private: true,
    description: 'd',
    license: 'MIT',
    engines: { node: '>=22' },
    exports: { '.': { source: './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist', 'src'],
    dependencies: { '@lars/proto': '*', protobufjs: '^8.0.0' },
    peerDependencies: { undici: '^8.0.0' },
    devDependencies: { undici: '^8.1.0' },
  };

  test('wants exactly our other packages of its release, and can be published', () => {
    expect(packedManifest(manifest, { version: '0.2.0', workspaces, nameOf: inScope })).toStrictEqual({
      name: '@acme/client-sdk',
      version: '0.2.0',
      description: 'd',
      license: 'MIT',
      engines: { node: '>=22' },
      exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
      dependencies: { '@acme/proto': '0.2.0', protobufjs: '^8.0.0' },
      peerDependencies: { undici: '^8.0.0' },
    });
  });

  test('must say what strangers need to know', () => {
    const { description: _, ...silent } = manifest;
    expect(() => packedManifest(silent, { version: '0.2.0', workspaces, nameOf: inScope })).toThrow(
      '@lars/client-sdk: package.json has no description',
    );
  });
});

test('a README names what lies outside of the package, and links what is inside', () => {
  const text = '[page](../docs/a.md#b), [docs/a.md](../../docs/a.md), [src](src/), [web](https://example.org/x)';
  expect(packedReadme(text)).toBe(
    'page (docs/a.md#b of the project), docs/a.md of the project, [src](src/), [web](https://example.org/x)',
  );
});

test('the Python client has the version of all', () => {
  expect(readFileSync(path.join(ROOT, 'python/pyproject.toml'), 'utf8')).toContain(`\nversion = "${projectVersion()}"\n`);
});

test('each file that a package.json promises is published', () => {
  for (const workspace of readWorkspaces()) {
    const { bin = {}, exports = {}, man } = workspace.manifest as Partial<Record<'bin' | 'exports', object>> & { man?: string };
    const promised = [...Object.values(bin), ...Object.values(exports).flatMap(one => Object.values(one)), man];
    const files = new Set(publishedFiles(workspace).map(file => `./${file}`));
    const exact = promised.filter((file): file is string => typeof file === 'string' && !file.includes('*'));
    expect(exact.filter(file => !files.has(file))).toStrictEqual([]);
  }
});
