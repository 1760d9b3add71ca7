/** What a release is made of beside our own packages, and the documents that say so. */
import path from 'node:path';
import { billOfMaterials } from './bill-of-materials.ts';
import { licences } from './licences.ts';
import type { StagedPackage } from './npm-packages.ts';
import { type ProductionPackage, productionPackages, readLock } from './production-packages.ts';
import { nodeVersion, projectVersion, ROOT, readWorkspaces } from './workspace.ts';

export interface Materials {
  readonly production: readonly ProductionPackage[];
  /** By the name under which the .deb has them in its folder of documents. */
  readonly documents: ReadonlyMap<string, string>;
}

export function readMaterials(staged: readonly StagedPackage[]): Materials {
  const workspaces = readWorkspaces().map(({ folder }) => path.relative(ROOT, folder));
  const production = productionPackages(readLock(), workspaces);
  const ours = staged.map(({ name }) => name);
  const facts = { version: projectVersion(), ours, production, nodeVersion: nodeVersion() };
  return {
    production,
    documents: new Map([
      ['copyright', licences(production, facts.nodeVersion)],
      ['cdx.json', billOfMaterials(facts)],
    ]),
  };
}
