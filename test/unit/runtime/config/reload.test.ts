import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logSection } from '../../../../runtime/src/config/common-sections.ts';
import {
  type ConfigOf,
  defineConfig,
  integer,
  patternSection,
  readConfigFile,
  section,
  text,
} from '../../../../runtime/src/config/config.ts';
import { reloadConfigs } from '../../../../runtime/src/config/reload.ts';
import { logLevelOf } from '../../../../runtime/src/log-level.ts';
import { recordingLog } from '../../../support/recording-log.ts';

const table = defineConfig({
  file: 'x.ini',
  title: 'X',
  sections: {
    tcp: section('TCP', { port: integer({ default: 1, min: 0, max: 99, meaning: 'Port.' }) }),
    db: section('DB', { password: text({ default: '', maxLength: 9, secret: true, meaning: 'Password.' }) }),
    module: patternSection({
      form: 'module N',
      example: 'module 1',
      meaning: 'Modules.',
      fields: { weight: integer({ default: 7, min: 0, max: 99, meaning: 'Weight.' }) },
      parseName: name => (/^module \d$/.test(name) ? Number(name.slice(-1)) : undefined),
    }),
    log: logSection(),
  },
});

let folder: string;
let file: string;
let config: ConfigOf<typeof table>;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-reload-'));
  file = path.join(folder, 'x.ini');
  write('[tcp]\nport = 2\n[db]\npassword = old\n[module 1]\nweight = 3\n');
  config = readConfigFile(table, file).config;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (conf: string) => writeFileSync(file, conf);

/** What is said about the file; those of the tests before are gone. */
function reload() {
  const { log, records } = recordingLog();
  reloadConfigs(log);
  return records.filter(({ fields }) => fields['file'] === file).map(({ level, event, fields }) => ({ level, event, ...fields }));
}

describe('a conf that is read again', () => {
  test('and is the same says so', () => {
    expect(reload()).toEqual([{ level: 'info', event: 'conf reloaded: nothing has changed', file }]);
  });

  test('names each key that needs a restart, again and again until it is undone, and shows no secret', () => {
    write('[tcp]\nport = 3\n[db]\npassword = new\n[module 2]\nweight = 4\n');
    const said = {
      level: 'warn',
      event: 'conf reloaded: needs a restart',
      file,
      changes:
        '[tcp] port: 2 → 3, [db] password: (hidden) → (hidden), [module 1] weight: 3 → default, [module 2] weight: default → 4',
    };
    expect(reload()).toEqual([said]);
    expect(reload()).toEqual([said]);
    write('[tcp]\nport = 2\n[db]\npassword = old\n[module 1]\nweight = 3\n');
    expect(reload()).toMatchObject([{ event: 'conf reloaded: nothing has changed' }]);
  });

  test('applies the log level at once, there and back', () => {
    const level = logLevelOf(config.log);
    const rest = '[tcp]\nport = 2\n[db]\npassword = old\n[module 1]\nweight = 3\n[log]\nlevel = ';
    write(`${rest}debug\n`);
    expect(reload()).toEqual([{ level: 'warn', event: 'conf reloaded: applied', file, changes: '[log] level: info → debug' }]);
    expect(level.isOn('debug')).toBe(true);
    write(`${rest}error\n`);
    expect(reload()).toMatchObject([{ changes: '[log] level: debug → error' }]);
    expect([level.isOn('warn'), level.isOn('error')]).toEqual([false, true]);
    expect(reload()).toMatchObject([{ event: 'conf reloaded: nothing has changed' }]);
  });

  test('and is wrong changes nothing, and the error names file and line', () => {
    write('[log]\nlevel = debug\n[tcp]\nport = no\n');
    const [said] = reload();
    expect(said).toMatchObject({ level: 'error', event: 'conf not reloaded, the values before stay' });
    expect(said).toMatchObject({ error: `${file}:4: [tcp] port = no: expected an integer in 0..99` });
    expect(logLevelOf(config.log).isOn('debug')).toBe(false);
    rmSync(file);
    expect(reload()).toMatchObject([{ level: 'error', error: expect.stringContaining(`${file}: cannot be read`) }]);
  });
});
