import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.join(import.meta.dirname, '../..');

/** A conf key and the package whose service reads it. */
interface ConfKey {
  readonly section: string;
  readonly key: string;
  readonly folder: string;
}

const SAMPLES: readonly ConfKey[] = [
  { section: 'agent', key: 'route_wait', folder: 'agent/src' },
  { section: 'loadbalance', key: 'update_timeout', folder: 'agent/src' },
  { section: 'loadbalance', key: 'probe_share', folder: 'agent/src' },
  { section: 'dnsserver', key: 'max_subscriptions', folder: 'dnsserver/src' },
];

/** Where a key stands, as itself or as an option that is named as the key, with or without its unit. */
export interface KeyFiles {
  readonly name: string;
  readonly files: readonly string[];
}

export function filesOfKeys(): readonly KeyFiles[] {
  return SAMPLES.map(({ section, key, folder }) => {
    const option = key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    const pattern = new RegExp(`\\b(?:${key}|${option}(?:Ms|Seconds)?)\\b`);
    const files = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .map(file => `${folder}/${file}`)
      .filter(file => pattern.test(readFileSync(path.join(ROOT, file), 'utf8')));
    return { name: `[${section}] ${key}`, files: files.sort() };
  });
}
