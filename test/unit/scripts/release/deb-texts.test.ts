import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { billOfMaterials } from '../../../../scripts/release/bill-of-materials.ts';
import { debConf } from '../../../../scripts/release/deb-conf.ts';
import { debArchitecture, debControl, debVersion } from '../../../../scripts/release/deb-control.ts';
import { licences } from '../../../../scripts/release/licences.ts';
import { type Locked, productionPackages, readLock } from '../../../../scripts/release/production-packages.ts';

const workspaces = ['proto', 'runtime', 'agent', 'dnsserver', 'reporter', 'client-sdk', 'cli'];

describe('packages of others', () => {
  const locked: Locked = {
    agent: { dependencies: { '@lars/proto': '*', a: '^1' }, optionalDependencies: { windows: '1' } },
    'node_modules/@lars/proto': { link: true, resolved: 'proto' },
    proto: { dependencies: { b: '^1' } },
    'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { b: '^2', a: '^1' } },
    'node_modules/a/node_modules/b': { version: '2.0.0', license: 'ISC', integrity: 'sha512-AAEC' },
    'node_modules/b': { version: '1.0.0', license: 'MIT' },
    'node_modules/windows': { version: '1.0.0', license: 'MIT' },
    'node_modules/tool': { version: '1.0.0' },
  };
  const isInstalled = (where: string) => !where.includes('windows');

  test('are those that run, each where Node looks for it, without what belongs to another system', () => {
    expect(productionPackages(locked, ['agent', 'proto'], isInstalled).map(one => `${one.path} ${one.version}`)).toStrictEqual([
      'node_modules/a 1.0.0',
      'node_modules/a/node_modules/b 2.0.0',
      'node_modules/b 1.0.0',
    ]);
  });

  test('must be there and have a licence', () => {
    expect(() => productionPackages(locked, ['agent'], () => false)).toThrow('agent needs @lars/proto, which is not installed');
    const without = { ...locked, 'node_modules/a': { version: '1.0.0' } };
    expect(() => productionPackages(without, ['agent'], isInstalled)).toThrow(
      'node_modules/a has no licence in package-lock.json',
    );
  });

  test('the bill has each with its licence and its hash, and our own', () => {
    const production = productionPackages(locked, ['agent', 'proto'], isInstalled);
    const bill = JSON.parse(billOfMaterials({ version: '0.2.0', ours: ['@lars/proto'], production, nodeVersion: '26.1.0' }));
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    const refs = bill.components.map((one: { 'bom-ref': string }) => one['bom-ref']);
    expect(refs).toStrictEqual([
      'pkg:npm/%40lars/proto@0.2.0',
      'pkg:npm/a@1.0.0',
      'pkg:npm/b@2.0.0',
      'pkg:npm/b@1.0.0',
      'pkg:generic/nodejs@26.1.0',
    ]);
    expect(bill.components[2]).toMatchObject({
      licenses: [{ license: { id: 'ISC' } }],
      hashes: [{ alg: 'SHA-512', content: '000102' }],
    });
  });

  test('of this project all have a licence that may be passed on with its text', () => {
    const production = productionPackages(readLock(), workspaces);
    const known = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', '0BSD'];
    expect(production.filter(({ license }) => !known.includes(license))).toStrictEqual([]);
    const text = licences(production, '26.1.0');
    for (const { name, version } of production) expect(text).toContain(`${name} ${version} (`);
    // koffi's binaries come in a package of their own; koffi itself has the text.
    const withoutText = [...text.matchAll(/^(.*)\n=+\n\nThe package has no text/gm)].map(([, title]) => title);
    expect(withoutText.filter(title => !title?.startsWith('@koromix/'))).toStrictEqual([]);
  });
});

describe('the .deb', () => {
  test.each(['agent', 'dnsserver', 'reporter'])('has the sample of %s.ini with its data in /var/lib/lars, and says so', name => {
    const sample = readFileSync(fileURLToPath(new URL(`../../../../conf/${name}.ini`, import.meta.url)), 'utf8');
    const conf = debConf(sample);
    expect(conf).not.toMatch(/^[^;].*= data\//m);
    expect(conf).toMatch(/^\w+ = \/var\/lib\/lars\/\w/m);
    expect(conf).toContain('The data lie in /var/lib/lars;');
    expect(() => debConf('[tcp]\n')).toThrow('does not say that every key stands at its default');
  });

  test('is called as dpkg wants it', () => {
    expect(['0.1.0', '1.0.0-rc.1'].map(debVersion)).toStrictEqual(['0.1.0', '1.0.0~rc.1']);
    expect(['x64', 'arm64'].map(debArchitecture)).toStrictEqual(['amd64', 'arm64']);
    expect(() => debArchitecture('riscv64')).toThrow('no .deb is made for riscv64, only for x64 and arm64');
    const control = debControl({ version: '0.1.0', architecture: 'amd64', installedKiB: 7, summary: 'what it is' });
    expect(control).toMatch(/^Package: lars\nVersion: 0.1.0\nArchitecture: amd64\nMaintainer: .+ <.+>\nInstalled-Size: 7\n/);
    expect(control).toMatch(/\nDescription: what it is\n( \S.*\n)+$/);
  });
});
