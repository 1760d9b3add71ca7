/** The licences of everything that a release carries, with their texts. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ProductionPackage } from './production-packages.ts';
import { ROOT } from './workspace.ts';

/** Debian's file `copyright`, and that of the release: our licence first, then those of others. */
export function licences(production: readonly ProductionPackage[], nodeVersion: string): string {
  const parts = [
    part('LARS', readFileSync(path.join(ROOT, 'LICENSE'), 'utf8')),
    ...production.map(one => part(`${one.name} ${one.version} (${one.license})`, licenceText(path.join(ROOT, one.path)))),
    part(`Node.js ${nodeVersion}, in the .deb alone`, nodeLicence()),
  ];
  return `${parts.join('\n')}\n`;
}

function part(title: string, text: string | undefined): string {
  const line = '='.repeat(title.length);
  return `${title}\n${line}\n\n${text?.trim() ?? 'The package has no text of its licence.'}\n`;
}

function licenceText(folder: string): string | undefined {
  const texts = globSync('{LICEN[CS]E,licen[cs]e,COPYING}*', { cwd: folder }).sort();
  return texts.length === 0 ? undefined : texts.map(file => readFileSync(path.join(folder, file), 'utf8')).join('\n');
}

/** That of the package of this system, from which npm took the program. */
function nodeLicence(): string | undefined {
  return licenceText(path.join(ROOT, `node_modules/node/node_modules/node-${process.platform}-${process.arch}`));
}
