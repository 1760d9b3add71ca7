import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const TSC = path.join(NODE_MODULES, 'typescript/bin/tsc');

/** As strict as a user may have it, with the declarations of all packages checked. */
const STRICTEST = {
  target: 'es2024',
  lib: ['es2024'],
  types: ['node'],
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  isolatedModules: true,
  skipLibCheck: false,
  noEmit: true,
};

/** A folder outside of the project whose files use the built packages by their names, as users do. */
export class ConsumerProject {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'lars-consumer-'));

  constructor() {
    symlinkSync(NODE_MODULES, path.join(this.folder, 'node_modules'));
    this.write('tsconfig.json', JSON.stringify({ compilerOptions: STRICTEST, include: ['**/*.mts', '**/*.cts'] }));
  }

  write(name: string, text: string): string {
    const file = path.join(this.folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** @returns what the compiler finds wrong, a line each */
  checkTypes(): string[] {
    const { stdout, stderr } = spawnSync(process.execPath, [TSC, '-p', this.folder, '--pretty', 'false'], { encoding: 'utf8' });
    return `${stdout}${stderr}`.split('\n').filter(line => line !== '');
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
