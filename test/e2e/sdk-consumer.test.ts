/** The built SDK as its users have it: its types under the strictest settings, and the code of the pages about it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { LarsClient } from '@lars/client-sdk';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CodeBlock, codeBlocksOf, commandsOf } from '../support/code-blocks.ts';
import { ConsumerProject } from '../support/consumer-project.ts';
import { eventually } from '../support/eventually.ts';
import { HAS_OPENSSL } from '../support/test-certificates.ts';
import { agentOf, LarsFolder, type Ready } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ENTRIES = ['@lars/client-sdk', '@lars/client-sdk/http', '@lars/client-sdk/testing', '@lars/client-sdk/undici'];

/** What a user writes that no page shows. That it compiles, and each line with ts-expect-error does not, is the test. */
const CONSUMER = `
import { isLarsError, LarsClient, type LarsApi, type LarsCallEvent, larsChannels } from '@lars/client-sdk';
import { LarsHttpAgent, LarsHttpsAgent } from '@lars/client-sdk/http';
import { createTestAgent, type TestAgent } from '@lars/client-sdk/testing';
import { larsDispatcher } from '@lars/client-sdk/undici';
import { Agent } from 'node:http';
import { Dispatcher } from 'undici';

export async function use(lars: LarsApi): Promise<number> {
  const length: number = await lars.call(1, 2, async (host, signal) => host.port + Number(signal.aborted), {
    isFailureResult: result => result.toFixed() === '0',
    signal: undefined,
  });
  try {
    return length;
  } catch (error) {
    if (isLarsError(error, 'LARS_CALL_TIMEOUT')) return error.host.port;
    // @ts-expect-error: there is no such code
    if (isLarsError(error, 'LARS_CALL_TIMEOUTS')) return 0;
    if (isLarsError(error)) return error.host?.port ?? 0;
    throw error;
  }
}

const agent: Agent = new LarsHttpAgent(new LarsClient(), { agentOptions: { maxSockets: 3 } });
const secure: Agent = new LarsHttpsAgent(createTestAgent(), { agentOptions: { servername: 'users.example' } });
const dispatcher: Dispatcher = larsDispatcher(createTestAgent({ routes: { '1/2': ['10.0.0.5:80'] } }), { maxTries: 2 });
const memory: TestAgent = createTestAgent();
const api: LarsApi = memory;
larsChannels.call.subscribe({ start(event: LarsCallEvent) { event.modid.toFixed(); }, end() {}, asyncStart() {}, asyncEnd() {}, error() {} });
// @ts-expect-error: a misspelt option
new LarsClient({ timeoutMS: 1 });
// @ts-expect-error: a host needs a port
memory.report({ modid: 1, cmdid: 2, host: '10.0.0.5' }, { ok: true });
export { agent, api, dispatcher, secure };
`;

/** In the language of CommonJS, which Node.js 22 and newer can have require our modules. */
const CONSUMER_CJS = `
import sdk = require('@lars/client-sdk');
import http = require('@lars/client-sdk/http');
import testing = require('@lars/client-sdk/testing');
import undici = require('@lars/client-sdk/undici');
const lars: sdk.LarsApi = testing.createTestAgent();
export = { agent: new http.LarsHttpAgent(lars), dispatcher: undici.larsDispatcher(lars), client: new sdk.LarsClient() };
`;

const PAGES = ['README.md', 'client-sdk/README.md', 'python/README.md', 'docs/contributing.md', 'docs/operations.md'];
const blocks = PAGES.flatMap(codeBlocksOf);

/** What no test runs, by its first line, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm ci && npm start': 'installs; each job of .ci begins with npm ci, and lars up runs below',
  'npm cit': 'is this suite',
  'pip install ./python': 'installs; test/e2e/python-readme.test.ts builds the wheel and runs the blocks of Python',
  'cd python': 'test/unit/python runs each of them',
  "lars dispatch --listen 0.0.0.0:80 --listen '[::]:80' --socket /run/app/dispatch.sock --http 127.0.0.1:7790 --workers 4 -- node server.js":
    'wants port 80 and /run; test/e2e/dispatch.test.ts runs one with ports of its own',
  'npm install @lars/client-sdk': 'installs; test/e2e/packages-npm.test.ts does, from the packed package',
  'npm ci': 'commands for people who change LARS: other suites, some minutes long',
};
const isLeftOut = (block: CodeBlock) => (commandsOf(block)[0] ?? '') in NOT_RUN;
const inTypeScript = blocks.filter(({ language }) => language === 'ts');
const inShell = blocks.filter(block => block.language === 'sh' && !isLeftOut(block));

/** The pages' blocks stand on one client, which one of them makes. */
function moduleOf({ text: block }: CodeBlock, options: string): string {
  const client = block.includes('const lars')
    ? ''
    : `import { LarsClient as Client } from '@lars/client-sdk';\nconst lars = new Client(${options});\n`;
  return `${client}${block.replace('new LarsClient()', `new LarsClient(${options})`)}\nexport { lars };\n`;
}

const project = new ConsumerProject();
const folder = new LarsFolder();
afterAll(async () => {
  project.dispose();
  await folder.dispose();
});

test('each block of the pages is run here or elsewhere, or a reason says why not', () => {
  const languages = blocks.map(({ language, at }) =>
    ['ts', 'sh', 'json', 'python'].includes(language) ? '' : `${at} ${language}`,
  );
  expect(languages.filter(problem => problem !== '')).toEqual([]);
  expect([inTypeScript.length, inShell.length]).toEqual([7, 2]);
  const leftOut = new Set(blocks.filter(isLeftOut).map(block => commandsOf(block)[0]));
  expect([...leftOut].toSorted()).toEqual(Object.keys(NOT_RUN).toSorted());
});

test('the types hold in strict programs, of either kind of module, and in the pages', () => {
  project.write('consumer.mts', CONSUMER);
  project.write('consumer.cts', CONSUMER_CJS);
  for (const [index, block] of inTypeScript.entries()) project.write(`page-${index}.mts`, moduleOf(block, ''));
  expect(project.checkTypes()).toEqual([]);
});

test('every entry can be imported and required', () => {
  const program = ENTRIES.map(entry => `console.log(Object.keys(require('${entry}')).length > 0);`).join('\n');
  const required = spawnSync(process.execPath, [project.write('required.cjs', program)], { encoding: 'utf8' });
  expect([required.stderr, required.stdout]).toEqual(['', 'true\n'.repeat(ENTRIES.length)]);
});

describe('with a running system', () => {
  let ready: Ready;
  let service: string;
  let calls = 0;
  const server = createServer((_, response) => {
    calls += 1;
    response.end('user 7');
  });
  beforeAll(async () => {
    folder.writeStandardConf();
    const running = folder.start(['up', '--json']);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    service = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    ready = await running.ready;
    // What asks the services of conf files finds the ports here that the system picked.
    for (const name of ['dnsserver', 'reporter', 'agent'] as const) {
      folder.write(`seen/${name}.ini`, `[http]\nport = ${ready[name].httpPort}\n`);
    }
  });
  afterAll(() => new Promise(resolve => server.close(resolve).closeAllConnections()));

  async function lars(args: readonly string[]): Promise<string> {
    const { code, out, err } = await folder.runHere(args);
    if (code !== 0) throw new Error(`lars ${args.join(' ')}: ${code} ${err}`);
    return out;
  }

  async function untilAgentHas(modid: number, cmdid: number, host: string): Promise<void> {
    await using client = new LarsClient({ ports: ready.agent.udpPorts, cache: false, fallback: false });
    await eventually(`${host} at the agent`, async () => {
      const route = await client.getRoute(modid, cmdid).catch(() => undefined);
      return route?.hosts.some(({ authority }) => authority === host);
    });
  }

  test('the blocks in TypeScript run, in one program that ends by itself', async () => {
    await lars(['route', 'add', '1/1', service]);
    await lars(['route', 'add', '1/2', service]);
    await untilAgentHas(1, 2, service);
    const options = `{ ports: ${JSON.stringify(ready.agent.udpPorts)}, timeoutMs: 20_000 }`;
    const names = inTypeScript.map((block, index) => {
      // A slow machine has more time.
      const slowly = moduleOf(block, options).replaceAll('timeoutMs: 1_000', 'timeoutMs: 20_000');
      project.write(`run/page-${index}.mts`, slowly);
      return `./page-${index}.mts`;
    });
    const program = `
      const clients = [];
      for (const name of ${JSON.stringify(names)}) clients.push((await import(name)).lars);
      await new Promise(resolve => setTimeout(resolve, 200));
      await Promise.all(clients.map(client => client.close()));`;
    const child = spawn(process.execPath, [project.write('run/all.mts', program)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 40_000,
    });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    expect([code, stderr]).toEqual([0, '']);
    // That of node:http prints its response.
    expect(stdout).toContain('user 7');
    // README.md, call, getHost, fetch and node:http.
    expect(calls).toBe(5);
  });

  test('the commands of README.md do what they say', async () => {
    const [block] = inShell.filter(({ at }) => at.startsWith('README.md'));
    await lars(['route', 'remove', '1/1', service, '--yes']);
    for (const command of commandsOf(block as CodeBlock)) {
      const [npx, program, ...args] = command.split(/\s+/);
      expect([npx, program]).toEqual(['npx', 'lars']);
      const http = `--http=${ready.agent.ip}:${ready.agent.httpPort}`;
      const places: Record<string, string[]> = {
        gethost: [agentOf(ready)],
        simulate: [agentOf(ready), http],
        why: [http],
        status: ['--conf-dir', 'seen'],
      };
      const given = [...args, ...(places[args[0] ?? ''] ?? [])];
      if (args[0] === 'gethost') await untilAgentHas(1, 1, '127.0.0.1:9001');
      expect(await lars(given)).not.toBe('');
    }
  });
});

test.runIf(HAS_OPENSSL)('the commands of docs/operations.md make certificates', () => {
  const [block] = inShell.filter(({ text }) => text.startsWith('openssl'));
  const script = project.write('certificates/make.sh', `set -e\ncd "$(dirname "$0")"\n${block?.text}`);
  const made = spawnSync('sh', [script], { encoding: 'utf8' });
  expect([made.status, made.status === 0 ? '' : made.stderr]).toEqual([0, '']);
  const verified = spawnSync('openssl', ['verify', '-CAfile', 'ca.pem', 'cert.pem'], {
    cwd: `${project.folder}/certificates`,
    encoding: 'utf8',
  });
  expect(verified.stdout).toBe('cert.pem: OK\n');
});
