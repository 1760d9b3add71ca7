// pure
/** The texts of a listener's keys in proxy.ini and of `--listen`. Each parser gives the value, or a text that says what is wrong. */
import { formatHost, LarsProtocolError, type ModuleId, parseHost, parseModule } from '@lars/proto';

/** Connections whose ClientHello names `pattern` go to `module`. */
export interface ServerNameRule {
  /** 'db.example', or '*.example' for all names below it; lower case. */
  readonly pattern: string;
  readonly module: ModuleId;
}

/** 'db.example=10/1, *.example=10/2' */
export function parseServerNames(text: string): readonly ServerNameRule[] | string {
  const rules: ServerNameRule[] = [];
  for (const entry of entriesOf(text)) {
    const [name = '', moduleText = '', ...more] = entry.split('=').map(part => part.trim());
    const module = parseModule(moduleText);
    const pattern = name.toLowerCase();
    if (more.length > 0 || moduleText === '' || !isServerName(pattern))
      return `'${entry}' is no NAME=MODID/CMDID; a name is like db.example or *.example`;
    if (module === undefined) return `'${moduleText}' in '${entry}' is no module: expected MODID/CMDID`;
    if (rules.some(rule => rule.pattern === pattern)) return `'${name}' is named twice`;
    rules.push({ pattern, module });
  }
  return rules;
}

/** Hosts that are reached by a UNIX socket of this machine: '127.0.0.1:3306=/run/mysqld/mysqld.sock'. @returns paths by 'HOST:PORT' */
export function parseUnixHosts(text: string): ReadonlyMap<string, string> | string {
  const paths = new Map<string, string>();
  for (const entry of entriesOf(text)) {
    const at = entry.indexOf('=');
    const path = entry.slice(at + 1).trim();
    if (at < 0 || path === '') return `'${entry}' is no HOST:PORT=PATH`;
    try {
      paths.set(formatHost(parseHost(entry.slice(0, at).trim())), path);
    } catch (error) {
      if (!(error instanceof LarsProtocolError)) throw error;
      return error.message;
    }
  }
  return paths;
}

function entriesOf(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(',').map(entry => entry.trim());
}

function isServerName(name: string): boolean {
  return (
    /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/.test(name) && name.length <= 255
  );
}
