import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with one plain line that counts tests: "812 passed, 0 failed, 3 skipped". Before it, the tests that passed at
 * the second attempt only: each of them is a fault, in the test or in the product, that somebody has to look at.
 */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const again: string[] = [];
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      // A module that could not be loaded has no tests, and has failed all the same.
      if (module.state() === 'failed' && module.errors().length > 0) count.failed += 1;
      for (const test of module.children.allTests()) {
        count[test.result().state] += 1;
        if (test.diagnostic()?.flaky) again.push(`${module.relativeModuleId} > ${test.fullName}`);
      }
    }
    for (const test of again) process.stdout.write(`passed at the second attempt: ${test}\n`);
    const skipped = count.skipped + count.pending;
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
}
