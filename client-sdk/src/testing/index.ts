/** An agent in memory, for tests of code that is written against LarsApi. */
export {
  createTestAgent,
  type TestAgent,
  type TestAgentOptions,
  type TestFailure,
  type TestHost,
  type TestReport,
} from './test-agent.ts';
