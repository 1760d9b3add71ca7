import type { Reporter, TestCase, TestModule, TestSpecification } from 'vitest/node';

/**
 * Ends the process with one plain line that counts tests: "812 passed, 0 failed, 3 skipped". Before it, the tests that passed at
 * the second attempt only, and why not at the first: each of them is a fault, in the test or in the product, that somebody has to look at.
 */
export default class ClosingLineReporter implements Reporter {
  /** By file; of one that ran again the last time. */
  readonly #modules = new Map<string, TestModule>();
  /** Why tests of files that run again have failed, by the tests' names. */
  readonly #faults = new Map<string, string>();
  /** Of what nobody caught, the files of the tests. */
  #unhandled: (string | undefined)[] = [];

  constructor() {
    process.once('exit', () => this.#print());
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#unhandled = this.#unhandled.filter(file => !specifications.some(({ moduleId }) => moduleId === file));
    for (const test of this.#tests()) if (test.result().state === 'failed') this.#faults.set(nameOf(test), faultOf(test));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    for (const module of modules) this.#modules.set(module.id, module);
    this.#unhandled.push(...unhandledErrors.map(fileOf));
  }

  #print(): void {
    const again: string[] = [];
    const count = { passed: 0, failed: this.#unhandled.length, skipped: 0, pending: 0 };
    for (const module of this.#modules.values()) {
      // A module that could not be loaded has no tests, and has failed all the same.
      if (module.state() === 'failed' && module.errors().length > 0) count.failed += 1;
    }
    for (const test of this.#tests()) {
      const { state } = test.result();
      count[state] += 1;
      const fault = this.#faults.get(nameOf(test));
      if (state === 'passed' && fault !== undefined) again.push(`${nameOf(test)} (${fault})`);
    }
    for (const test of again) process.stdout.write(`passed at the second attempt: ${test}\n`);
    const skipped = count.skipped + count.pending;
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }

  *#tests(): Generator<TestCase> {
    for (const module of this.#modules.values()) yield* module.children.allTests();
  }
}

/** The file of the test that ran when an error was thrown that nobody caught; undefined where it is not known. */
export function fileOf(error: unknown): string | undefined {
  return (error as { readonly VITEST_TEST_PATH?: string } | undefined)?.VITEST_TEST_PATH;
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

/** The first line of the first error, and where it stands. */
function faultOf(test: TestCase): string {
  const [error] = test.result().errors ?? [];
  const [frame] = error?.stacks ?? [];
  const line = error?.message.split('\n', 1)[0] ?? 'unknown';
  return frame === undefined ? line : `${line}, line ${frame.line}`;
}
