import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { exposeDatabaseFile } from '../../../../runtime/src/http/database-metrics.ts';
import { parsePrometheus, sampleValue } from '../../../support/prometheus-text.ts';

test('the size of the file, its log, and the room beside it; no sample of what is not there', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-database-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'lars.db');
  const registry = new Registry();
  exposeDatabaseFile(registry, file);
  const samples = async () => parsePrometheus(await registry.metrics());
  writeFileSync(file, 'x'.repeat(100));
  expect(sampleValue(await samples(), 'lars_database_size_bytes')).toBe(100);
  writeFileSync(`${file}-wal`, 'x'.repeat(11));
  expect(sampleValue(await samples(), 'lars_database_size_bytes')).toBe(111);
  const avail = sampleValue(await samples(), 'lars_database_filesystem_avail_bytes');
  expect(avail).toBeGreaterThan(0);
  expect(sampleValue(await samples(), 'lars_database_filesystem_size_bytes')).toBeGreaterThanOrEqual(avail);
  rmSync(folder, { recursive: true });
  expect(await samples()).toEqual([]);
});
