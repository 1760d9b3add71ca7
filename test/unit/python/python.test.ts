/** The Python client's own tests, its types, and its wheel. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hasPrograms } from '../../support/needed-programs.ts';

vi.setConfig({ testTimeout: 180_000 });

const FOLDER = fileURLToPath(new URL('../../../python/', import.meta.url));
const ENV = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lars-python-'));
  folders.push(folder);
  return folder;
}

test('the types are right, strictly', () => {
  const pyright = createRequire(import.meta.url).resolve('pyright/index.js');
  const { stdout, status } = spawnSync(process.execPath, [pyright, '-p', FOLDER], { encoding: 'utf8' });
  expect(stdout).toContain('0 errors, 0 warnings');
  expect(status).toBe(0);
});

describe.runIf(hasPrograms('python3', ['python3']))('with Python', () => {
  const python = (args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = FOLDER) =>
    execFileSync('python3', args, { cwd, env: { ...ENV, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  test('its own tests pass', () => {
    const { stderr, status } = spawnSync('python3', ['-m', 'unittest'], {
      cwd: FOLDER,
      env: { ...ENV, PYTHONPATH: join(FOLDER, 'src') },
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/\nRan \d{2,} tests in [\s\S]*\nOK/);
    expect(status).toBe(0);
  });

  test('the wheel is the same each time, and works elsewhere without the sources', () => {
    const folder = newFolder();
    const other = newFolder();
    const wheel = python(['build.py', folder]).trim();
    const again = python([join(FOLDER, 'build.py'), other], {}, other).trim();
    expect(readFileSync(wheel).equals(readFileSync(again))).toBe(true);
    // The archive of the sources, which pip makes where it is asked for one, gives that wheel too.
    const archive = python(['-c', `import build; print(build.build_sdist(${JSON.stringify(folder)}))`]).trim();
    python(['-m', 'tarfile', '-e', join(folder, archive), other]);
    const sources = join(other, archive.replace('.tar.gz', ''));
    const third = python(['build.py', 'out'], {}, sources).trim();
    expect(readFileSync(wheel).equals(readFileSync(join(sources, third)))).toBe(true);
    expect(wheel).toBe(join(folder, `lars_client-${version()}-py3-none-any.whl`));
    python(['-m', 'zipfile', '-e', wheel, folder]);
    const where = python(
      ['-c', 'import lars; print(lars.__file__); lars.Client().close()'],
      { PYTHONPATH: folder },
      other,
    ).trim();
    expect(where).toBe(join(folder, 'lars', '__init__.py'));
    expect(readFileSync(join(folder, 'lars', 'py.typed'), 'utf8')).toBe('');
  });

  test.runIf(hasPrograms('python3-pip', ['pip3']))('pip installs it without a network', () => {
    const folder = newFolder();
    const options = ['--no-index', '--no-compile', '--disable-pip-version-check', '--target', folder];
    python(['-m', 'pip', 'install', ...options, FOLDER]);
    const about = python(
      ['-c', 'import importlib.metadata as m; print(m.version("lars-client"))'],
      { PYTHONPATH: folder },
      folder,
    );
    expect(about.trim()).toBe(version());
    const record = readFileSync(join(folder, `lars_client-${version()}.dist-info`, 'RECORD'), 'utf8');
    expect(record).toContain('lars/core/client_core.py,sha256=');
  });
});

/** That of the project. */
function version(): string {
  const root = JSON.parse(readFileSync(join(FOLDER, '..', 'package.json'), 'utf8')) as { readonly version: string };
  return root.version;
}
