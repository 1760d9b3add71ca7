/** Folders of strangers: nothing of the project is in them but what they have installed. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@lars/runtime/errors';
import { packPackages, stagePackages } from '../../../scripts/release/npm-packages.ts';

const run = promisify(execFile);
const NPM_TIMEOUT_MS = 120_000;
const RUN_TIMEOUT_MS = 30_000;
const NPM_FLAGS = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error'];

/** Whether npm reaches a registry, for `describe.runIf`; where it does not, the tests are left out with a word. */
export function hasRegistry(): boolean {
  try {
    const flags = ['--fetch-retries=0', '--fetch-timeout=15000'];
    execFileSync('npm', ['view', 'protobufjs', 'version', ...flags], { stdio: 'ignore', timeout: RUN_TIMEOUT_MS });
    return true;
  } catch (error) {
    process.stderr.write(`tests are left out: npm reaches no registry: ${messageOf(error).split('\n', 1)[0]}\n`);
    return false;
  }
}

export interface Ran {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export class StrangersFolder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'lars-stranger-'));

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.path, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** @throws {Error} with what npm says */
  async install(packages: readonly string[]): Promise<void> {
    await run('npm', ['install', ...NPM_FLAGS, ...packages], { cwd: this.path, timeout: NPM_TIMEOUT_MS });
  }

  async run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
    const options = { cwd: this.path, env: { ...env, NODE_OPTIONS: '', NO_COLOR: '1' }, timeout: RUN_TIMEOUT_MS };
    try {
      const { stdout, stderr } = await run(program, args, options);
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const {
        code = null,
        stdout = '',
        stderr = messageOf(error),
      } = error as Partial<Record<'stdout' | 'stderr', string>> & { code?: number };
      return { code, out: stdout, err: stderr };
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Packs everything that is published into a folder. @returns the tarball of each package, by its published name */
export function packAll(folder: string, version: string): ReadonlyMap<string, string> {
  const staged = stagePackages({ folder: path.join(folder, 'staged'), version });
  const tarballs = packPackages(staged, path.join(folder, 'packed'));
  return new Map(staged.map(({ name }, at) => [name, tarballs[at] as string]));
}

/** The older Node.js that business code may run on. */
export const OLDER_NODES = [22, 24] as const;

/** Gets a Node.js of that major version from the registry, its program alone. @returns its path */
export async function fetchNode(folder: StrangersFolder, major: number): Promise<string> {
  const name = `node${major}`;
  folder.write({ [`${name}/package.json`]: '{ "private": true }' });
  const cwd = path.join(folder.path, name);
  const spec = `node-${process.platform}-${process.arch}@${major}`;
  const { stdout } = await run('npm', ['pack', '--silent', '--prefer-offline', spec], { cwd, timeout: NPM_TIMEOUT_MS });
  await run('tar', ['xzf', stdout.trim(), 'package/bin/node'], { cwd });
  return path.join(cwd, 'package/bin/node');
}
