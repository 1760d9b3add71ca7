/** The dispatchers of a machine: each is an instance of the unit lars-dispatch@.service, whose options stand in a file of the conf folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseInetPlace } from '../arguments/listen-place.ts';
import { UsageError } from '../errors.ts';
import type { ConfFolder } from './conf-folder.ts';

export interface DispatchOptionsFile {
  /** 'conf/dispatch-web.env' */
  readonly file: string;
  /** Its --http; undefined where it has none, or none that is right. */
  readonly http: { readonly ip: string; readonly port: number } | undefined;
}

/** The files dispatch-NAME.env of a folder, by name. */
export function dispatchFilesIn({ path: folder }: ConfFolder): readonly DispatchOptionsFile[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter(name => /^dispatch-[\w.-]+\.env$/.test(name));
  return names.toSorted().map(name => {
    const file = path.join(folder, name);
    return { file, http: httpIn(readFileSync(file, 'utf8')) };
  });
}

/** @param text of the file: lines of an EnvironmentFile of systemd, one of which is `OPTIONS=…`, the words behind `lars dispatch` */
export function httpIn(text: string): DispatchOptionsFile['http'] {
  const options = /^\s*OPTIONS\s*=(.*)$/m.exec(text)?.[1] ?? '';
  const [own = ''] = options.split(/\s--\s/);
  const written = /(?:^|[\s"'])--http[\s=]+([^\s"']+)/.exec(own)?.[1];
  if (written === undefined) return undefined;
  try {
    const { host, port } = parseInetPlace('--http', written);
    return { ip: host, port };
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
