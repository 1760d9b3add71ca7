/** Runs before each test file. */
import fc from 'fast-check';
import { testSeed } from './seeded-random.ts';

fc.configureGlobal({ seed: testSeed() });
