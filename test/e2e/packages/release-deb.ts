import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { makeDeb } from '../../../scripts/release/deb-package.ts';
import { readMaterials } from '../../../scripts/release/materials.ts';
import { stagePackages } from '../../../scripts/release/npm-packages.ts';

/** Makes the .deb as a release does, but for the compression, in a folder. @returns its path */
export function releaseDeb(folder: string, version: string): string {
  mkdirSync(folder, { recursive: true });
  const staged = stagePackages({ folder: path.join(folder, 'npm'), version });
  return makeDeb({ version, staged, ...readMaterials(staged), staging: path.join(folder, 'deb'), folder, compression: 'none' });
}
