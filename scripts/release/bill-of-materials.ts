// pure
/** What a release is made of, as CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/ */
import type { ProductionPackage } from './production-packages.ts';

export interface BillFacts {
  readonly version: string;
  /** The published names of our packages. */
  readonly ours: readonly string[];
  readonly production: readonly ProductionPackage[];
  /** The Node.js in the .deb. */
  readonly nodeVersion: string;
}

/** Without a time and without a number of its own, so that it is the same each time. */
export function billOfMaterials({ version, ours, production, nodeVersion }: BillFacts): string {
  const components = [
    ...ours.map(name => component('library', name, version, 'MIT')),
    ...production.map(one => ({ ...component('library', one.name, one.version, one.license), ...hashes(one) })),
    {
      type: 'platform',
      'bom-ref': `pkg:generic/nodejs@${nodeVersion}`,
      name: 'nodejs',
      version: nodeVersion,
      description: 'in the .deb alone',
      licenses: [{ license: { id: 'MIT' } }],
      purl: `pkg:generic/nodejs@${nodeVersion}`,
    },
  ];
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': `lars-${version}`, name: 'LARS', version } },
    // Two packages may each have the same version of a third.
    components: [...new Map(components.map(one => [one['bom-ref'], one])).values()],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function component(type: string, name: string, version: string, license: string) {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const licenses = [/[ ()]/.test(license) ? { expression: license } : { license: { id: license } }];
  return { type, 'bom-ref': purl, name, version, licenses, purl };
}

function hashes({ integrity }: ProductionPackage): object {
  if (integrity === undefined || !integrity.startsWith('sha512-')) return {};
  return { hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }] };
}
