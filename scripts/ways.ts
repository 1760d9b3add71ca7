/**
 * Counts what one call passes on its way: `node scripts/ways.ts` prints for a getHost, a report and a change of a route each file, its
 * lines and those that ran, and for some conf keys the files in which they stand. `--write` puts the totals into docs/architecture.md.
 * The measuring process needs a hook in each of its threads, which only Node's own arguments can bring there; hence this small parent.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Functions that a compiler has inlined would not be counted. */
const NO_COMPILERS = ['--no-opt', '--no-maglev', '--no-sparkplug'];

const here = path.join(import.meta.dirname, 'ways');
const hook = pathToFileURL(path.join(here, 'coverage-hook.ts')).href;
const measure = path.join(here, 'measure-ways.ts');
const child = spawn(
  process.execPath,
  [...NO_COMPILERS, '--disable-warning=ExperimentalWarning', '-C', 'source', '--import', hook, measure, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
child.on('exit', code => {
  process.exitCode = code ?? 1;
});
