/** One suite over the clients of all languages. */
import { afterAll, afterEach, beforeAll, describe, vi } from 'vitest';
import { CleanUps } from '../e2e/agent-world.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { FakeAgent } from '../unit/client-sdk/fake-agent.ts';
import { type Module, type Outcome, PythonDriver, Sdk, type SdkClient, type SdkDriver, TypeScriptDriver } from './sdk-drivers.ts';

const hasPython = hasPrograms('python3', ['python3']);

const SDKS: { readonly name: string; readonly isInstalled: boolean; readonly start: () => SdkDriver }[] = [
  { name: 'TypeScript', isInstalled: true, start: () => new TypeScriptDriver() },
  { name: 'Python', isInstalled: hasPython, start: () => new PythonDriver('Client') },
  { name: 'Python asyncio', isInstalled: hasPython, start: () => new PythonDriver('AsyncClient') },
];

export const MODULE: Module = [1, 2];
/** Generous: the machine may be busy, and nothing here is about how quick an answer is. */
export const PATIENT = { timeoutMs: 20_000 };
const TEST_TIMEOUT_MS = 60_000;

/** The clients of one language. All tests of a file share a driver. */
export class SdkUnderTest {
  /** What the test has started, ended after it. */
  readonly cleanUps = new CleanUps();
  #sdk: Sdk | undefined;

  start(driver: SdkDriver): void {
    this.#sdk = new Sdk(driver);
  }

  get sdk(): Sdk {
    if (this.#sdk === undefined) throw new Error('the driver runs from beforeAll to afterAll');
    return this.#sdk;
  }

  async newClient(options: object): Promise<SdkClient> {
    const client = await this.sdk.newClient({ ...PATIENT, ...options });
    this.cleanUps.add(() => client.run({ do: 'close' }));
    return client;
  }

  async withFakeAgent(options: object = {}): Promise<{ readonly agent: FakeAgent; readonly client: SdkClient }> {
    const agent = await FakeAgent.start();
    this.cleanUps.add(() => agent[Symbol.asyncDispose]());
    return { agent, client: await this.newClient({ ports: agent.ports, ...options }) };
  }
}

/** Declares the tests once for each client that can run here. */
export function describeEachSdk(declare: (sdks: SdkUnderTest) => void): void {
  vi.setConfig({ testTimeout: TEST_TIMEOUT_MS, hookTimeout: TEST_TIMEOUT_MS });
  describe.each(SDKS.filter(({ isInstalled }) => isInstalled))('$name', ({ start }) => {
    const sdks = new SdkUnderTest();
    let driver: SdkDriver | undefined;
    beforeAll(() => {
      driver = start();
      sdks.start(driver);
    });
    afterEach(() => sdks.cleanUps.run());
    afterAll(() => driver?.end());
    declare(sdks);
  });
}

export function getHost(client: SdkClient, module: Module, options = {}): Promise<Outcome> {
  return client.run({ do: 'getHost', module, options });
}

/** A message without what the languages write differently: timeoutMs and timeout_ms, true and True. */
export function spoken(message: string | undefined): string {
  return String(message).replaceAll('_', '').replaceAll('result.', '').toLowerCase();
}
