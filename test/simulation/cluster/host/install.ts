/**
 * Loaded before everything else (node --import): from here on the packages' sources get the simulated host instead of Node's own modules.
 * Nothing of the product is changed: what it imports is.
 */
import { registerHooks } from 'node:module';

const HERE = new URL('.', import.meta.url).href;
const ROOT = new URL('../../../../', import.meta.url).href;
const PACKAGES = ['agent', 'client-sdk', 'dnsserver', 'proto', 'reporter', 'runtime'].map(name => `${ROOT}${name}/src/`);

const REPLACED: Readonly<Record<string, string>> = {
  'node:net': 'net.ts',
  'node:dgram': 'dgram.ts',
  'node:fs/promises': 'fs-promises.ts',
  'node:timers/promises': 'timers-promises.ts',
  'node:worker_threads': 'worker-threads.ts',
  'better-sqlite3': 'better-sqlite3.ts',
  '../gc.ts': 'gc.ts',
  '@lars/runtime/gc': 'gc.ts',
};

/** The scripts of the agent's threads import what runs them. */
const THREAD_SCRIPT = /\/agent\/src\/\w+\/(?:shard|dns|report)-thread\.ts$/;

registerHooks({
  resolve(specifier, context, next) {
    const from = context.parentURL ?? '';
    if (!PACKAGES.some(folder => from.startsWith(folder))) return next(specifier, context);
    if (specifier === 'node:fs' && from.endsWith('/proc-drops.ts'))
      return { url: `${HERE}no-proc.ts`, format: 'module-typescript', shortCircuit: true };
    const isThread = specifier === '../threads/thread.ts' && THREAD_SCRIPT.test(from);
    const replaced = isThread ? 'thread-script.ts' : REPLACED[specifier];
    return replaced === undefined
      ? next(specifier, context)
      : { url: `${HERE}${replaced}`, format: 'module-typescript', shortCircuit: true };
  },
});

const { http } = await import('./http.ts');
const { getBuiltinModule } = process;
Object.assign(process, { getBuiltinModule: (name: string) => (name === 'node:http' ? http : getBuiltinModule(name)) });
