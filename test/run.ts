/**
 * Runs the tests as `vitest run` does, with its arguments. Processes, sockets and other people's load: with CI set, a file that failed has a second attempt, alone. One of a single
 * test would fail again where the first has ended the process that the file's tests share. The closing line names what took it.
 */

import { createVitest, parseCLI, type TestModule, TestsNotFoundError, type Vitest } from 'vitest/node';
import { fileOf } from './support/closing-line-reporter.ts';

/** Where more have failed, it is no chance. */
const FILES_MAX = 3;

/** Of those that ran last. */
function failedFiles(vitest: Vitest): readonly TestModule[] {
  return vitest.state.getTestModules().filter(module => module.state() === 'failed');
}

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
const vitest = await createVitest({ ...options, watch: false });
try {
  await vitest.start(filter);
  const failed = failedFiles(vitest);
  const areTheirs = vitest.state.getUnhandledErrors().every(error => failed.some(({ moduleId }) => moduleId === fileOf(error)));
  if (process.env['CI'] && failed.length > 0 && failed.length <= FILES_MAX && areTheirs) {
    // Each run sets it where something fails.
    process.exitCode = 0;
    for (const module of failed) await vitest.runTestSpecifications([module.toTestSpecification()]);
  }
} catch (error) {
  // That was said, and is in the exit code.
  if (!(error instanceof TestsNotFoundError)) throw error;
} finally {
  await vitest.close();
}
