/**
 * Makes everything that is released, in dist/release: `npm run release`. It publishes nothing. Two runs from the same sources make the same
 * bytes. `--folder DIR` puts them elsewhere.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '@lars/runtime/errors';
import { writeChecksums } from './release/checksums.ts';
import { canMakeDeb, makeDeb } from './release/deb-package.ts';
import { readMaterials } from './release/materials.ts';
import { packPackages, stagePackages } from './release/npm-packages.ts';
import { writeWireRelease } from './release/wire-release.ts';
import { projectVersion, ROOT } from './release/workspace.ts';

function release(folder: string, staging: string): void {
  const version = projectVersion();
  if (writeWireRelease(version))
    process.stdout.write(`what ${version} says on the wire is new in test/data/wire-releases: commit it\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const staged = stagePackages({ folder: path.join(staging, 'npm'), version });
  packPackages(staged, folder);
  const materials = readMaterials(staged);
  for (const [name, text] of materials.documents) writeFileSync(path.join(folder, `lars-${version}.${name}`), text);
  if (canMakeDeb()) makeDeb({ version, staged, ...materials, staging: path.join(staging, 'deb'), folder, compression: 'zstd' });
  else process.stderr.write('the .deb is left out: there is no dpkg-deb\n');
  makeWheel(folder);
  for (const line of writeChecksums(folder)) process.stdout.write(`${line}\n`);
}

/** The Python client, where there is a Python to make it. */
function makeWheel(folder: string): void {
  if (spawnSync('python3', ['--version']).error === undefined) {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
    execFileSync('python3', [path.join(ROOT, 'python/build.py'), folder], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  } else process.stderr.write('the wheel of the Python client is left out: there is no python3\n');
}

const staging = mkdtempSync(path.join(tmpdir(), 'lars-release-'));
try {
  const { values } = parseArgs({ options: { folder: { type: 'string', default: path.join(ROOT, 'dist/release') } } });
  release(path.resolve(values.folder), staging);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(staging, { recursive: true, force: true });
}
