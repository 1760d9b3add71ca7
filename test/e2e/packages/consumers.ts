/** Programs of strangers, who call hosts in each way in which Node.js loads a package. The agent's ports are their argument. */

const CALL = `
  const lars = new LarsClient({ ports: JSON.parse(process.argv[2]), timeoutMs: 20_000 });
  const port = await lars.call(1, 2, async host => host.port);
  await lars.close();
`;

export const CONSUMERS: Readonly<Record<string, string>> = {
  'esm.mjs': `import { LarsClient } from '@lars/client-sdk';\n${CALL}\nconsole.log(port);`,
  'cjs.cjs': `const { LarsClient } = require('@lars/client-sdk');\n(async () => {${CALL}\nconsole.log(port); })();`,
  // Nothing is closed: the report is sent when the script ends.
  'three-lines.mjs': `import { LarsClient } from '@lars/client-sdk';
const lars = new LarsClient({ ports: JSON.parse(process.argv[2]), timeoutMs: 20_000 });
console.log(await lars.call(1, 2, async host => host.port));`,
  'worker.mjs': `import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { LarsClient } from '@lars/client-sdk';
if (isMainThread) new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) }).on('message', port => console.log(port));
else { ${CALL}\nparentPort.postMessage(port); }`,
  'cluster.mjs': `import cluster from 'node:cluster';
import { LarsClient } from '@lars/client-sdk';
if (cluster.isPrimary) cluster.fork().on('message', port => console.log(port)).on('exit', code => { process.exitCode = code; });
else { ${CALL}\nprocess.send(port, () => cluster.worker.disconnect()); }`,
};

/** What a strict project compiles; nothing of it runs. */
export const STRICT_PROJECT: Readonly<Record<string, string>> = {
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'es2022',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    },
    include: ['*.mts', '*.cts'],
  }),
  'strict.mts': `import { isLarsError, type LarsApi, LarsClient, type LarsHost } from '@lars/client-sdk';
import { createTestAgent, type TestAgent } from '@lars/client-sdk/testing';
export const agent: TestAgent = createTestAgent();
const lars: LarsApi = new LarsClient();
const text: string = await lars.call(1, 2, async (host: LarsHost, signal: AbortSignal) => \`\${host.host} \${signal.aborted}\`);
export const code = (error: unknown): string => (isLarsError(error) ? error.code : text);`,
  'strict.cts': `import { LarsClient } from '@lars/client-sdk';\nexport const lars: LarsClient = new LarsClient({ timeoutMs: 5 });`,
};
