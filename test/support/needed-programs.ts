import { spawnSync } from 'node:child_process';

/**
 * Whether the programs that a test runs are installed: for `describe.runIf`. Where one is missing, the tests are left out with a word; in CI
 * (the variable CI is set) that is an error, because `.ci/run` installs them.
 * @param debianPackage what brings them
 */
export function hasPrograms(debianPackage: string, programs: readonly string[]): boolean {
  const missing = programs.filter(program => spawnSync(program, ['--version']).error !== undefined);
  if (missing.length === 0) return true;
  const message = `${missing.join(' and ')} not found; apt-get install ${debianPackage}`;
  if (process.env['CI'] !== undefined) throw new Error(message);
  process.stderr.write(`tests are left out: ${message}\n`);
  return false;
}
