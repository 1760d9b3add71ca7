import { posix } from 'node:path';
import { lineNaming, manifestsOf } from './imports.ts';
import { lineAt, type TreeFile, type Violation } from './source-tree.ts';

const DEPENDENCIES_PAGE = 'docs/dependencies.md';

/** Every relative link of a page leads to a file or folder of the project. */
export function linksLeadSomewhere(files: readonly TreeFile[]): Violation[] {
  const targets = new Set(files.flatMap(file => [file.path, ...foldersOf(file.path)]));
  return files
    .filter(file => file.path.endsWith('.md'))
    .flatMap(file =>
      linksOf(file.text)
        .filter(({ target }) => target !== '' && !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target))
        .filter(({ target }) => !targets.has(posix.join(posix.dirname(file.path), target).replace(/\/$/, '')))
        .map(({ target, line }) => ({ path: file.path, line, message: `the link to ${target} leads nowhere` })),
    );
}

/** Every package that we stand on has its row, with its reason, in docs/dependencies.md: its name in the row's first cell. */
export function dependenciesAreExplained(files: readonly TreeFile[]): Violation[] {
  const page = files.find(file => file.path === DEPENDENCIES_PAGE)?.text ?? '';
  const rows = page.split('\n').filter(line => line.startsWith('|'));
  const explained = new Set(
    rows.flatMap(row => (row.split('|')[1] ?? '').split(',').map(name => name.replaceAll('`', '').trim())),
  );
  return manifestsOf(files).flatMap(manifest =>
    [...manifest.dependencies, ...manifest.devDependencies]
      .filter(name => !name.startsWith('@lars/') && !explained.has(name))
      .map(name => ({
        path: manifest.file.path,
        line: lineNaming(manifest, name),
        message: `${name} has no row in ${DEPENDENCIES_PAGE}`,
      })),
  );
}

function foldersOf(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === '.' ? ['.'] : [folder, ...foldersOf(folder)];
}

/** Inline links, images and reference definitions, without their #fragment. Code is no link. */
function linksOf(markdown: string): { target: string; line: number }[] {
  const prose = markdown.replace(/^(```+|~~~+)[\s\S]*?^\1|`[^`\n]*`/gm, code => code.replace(/[^\n]/g, ' '));
  const links = [...prose.matchAll(/\]\(\s*<?([^)\s>]*)>?[^)]*\)|^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm)];
  return links.map(match => ({
    target: decodeURI((match[1] ?? match[2] ?? '').replace(/#.*$/, '')),
    line: lineAt(prose, match.index),
  }));
}
