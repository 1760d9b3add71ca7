import { existsSync } from 'node:fs';
import path from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longer than half a minute where two other files run beside it, the longest first. */
const LONGEST = [
  'test/simulation/cluster.test.ts',
  'test/contract/sdk-contract.test.ts',
  'test/e2e/fuzz-services.test.ts',
  'test/e2e/agent-failover.test.ts',
  'test/e2e/soak.test.ts',
  'test/e2e/links.test.ts',
  'test/e2e/demo-process.test.ts',
  'test/e2e/cli-bench.test.ts',
  'test/e2e/signals-at-start.test.ts',
  'test/e2e/agent-heartbeats.test.ts',
  'test/e2e/packages-npm.test.ts',
  'test/e2e/sdk-outage.test.ts',
];

/**
 * Begins with the files that take longest, so that none of them is left alone at the end while the other processors have nothing to do. Vitest knows that by itself where it has
 * run before; a clean clone has not.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const missing = LONGEST.find(file => !existsSync(path.join(root, file)));
    if (missing !== undefined) throw new Error(`test/support/longest-first.ts: there is no ${missing}`);
    const placeOf = ({ moduleId }: TestSpecification) => {
      const place = LONGEST.indexOf(path.relative(root, moduleId));
      return place < 0 ? LONGEST.length : place;
    };
    const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
    return (await super.sort(files)).toSorted((a, b) => groupOf(a) - groupOf(b) || placeOf(a) - placeOf(b));
  }
}
