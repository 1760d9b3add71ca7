/** HAProxy and nginx as proxies of TCP, in those configurations that are known to be fast; each one thread, as far as it can be told. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../reactor/contenders.ts';
import { ServerProcess } from '../server-process.ts';
import { processTree } from './process-tree.ts';
import { proxiedConnectionsLimit } from './programs.ts';

/** What a proxy listens for: its connections go to these hosts. */
export interface Route {
  readonly hosts: readonly string[];
  readonly port: number;
}

export interface ProxyServer {
  readonly name: string;
  readonly process: ServerProcess;
  readonly pid: readonly number[];
  /** In the order of the routes. */
  readonly ports: readonly number[];
}

export interface BalancerKind {
  readonly name: string;
  readonly product: 'HAProxy' | 'nginx';
  /** Lines of its conf. */
  readonly lines: readonly string[];
}

export const BALANCERS: readonly BalancerKind[] = [
  { name: 'HAProxy', product: 'HAProxy', lines: [] },
  { name: 'HAProxy, splice-auto', product: 'HAProxy', lines: ['  option splice-auto'] },
  { name: 'nginx', product: 'nginx', lines: [] },
  { name: 'nginx, buffers of 128 KB', product: 'nginx', lines: ['    proxy_buffer_size 128k;'] },
];

/** Debian keeps it apart from nginx itself. */
const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';
const CONNECTIONS_MAX = 60_000;
const PRODUCTS = [
  { product: 'HAProxy', program: 'haproxy' },
  { product: 'nginx', program: 'nginx' },
] as const;

/** Those that are installed, and a sentence about those that are not. */
export function installedBalancers(): { readonly kinds: readonly BalancerKind[]; readonly note: string } {
  const missing = PRODUCTS.filter(({ program }) => !isInstalled(program)).map(({ product }) => product as string);
  if (!missing.includes('nginx') && !existsSync(NGINX_STREAM)) missing.push('nginx');
  const kinds = BALANCERS.filter(({ product }) => !missing.includes(product));
  const names = missing.map(name => (name === 'nginx' ? 'nginx with its stream module' : name));
  return { kinds, note: names.length === 0 ? '' : `Left out, because it is not installed here: ${names.join(', ')}.\n` };
}

export async function startBalancer(kind: BalancerKind, routes: readonly Route[], folder: string): Promise<ProxyServer> {
  const own = path.join(folder, kind.name.replaceAll(/\W+/g, '-'));
  mkdirSync(own, { recursive: true });
  const ports: number[] = [];
  for (const _ of routes) ports.push(await freePort());
  const file = path.join(own, 'conf');
  const listens = routes.map((route, at) => ({ route, port: ports[at] as number }));
  writeFileSync(file, kind.product === 'HAProxy' ? haproxyConf(kind, listens) : nginxConf(kind, listens, own));
  const command = kind.product === 'HAProxy' ? 'exec haproxy -db -f "$0"' : 'exec nginx -c "$0" -e stderr';
  // They say nothing when they are ready: who uses them waits until they serve.
  const server = await ServerProcess.start('sh', ['-c', `echo '{}'; ulimit -n $(ulimit -H -n); ${command}`, file], own);
  return {
    name: kind.name,
    process: server,
    ports,
    get pid() {
      return processTree(server.pid);
    },
  };
}

interface Listen {
  readonly route: Route;
  readonly port: number;
}

/** A little more than are wanted: connections that have just ended count, too. */
function connectionsMax(): number {
  return Math.min(CONNECTIONS_MAX, proxiedConnectionsLimit() + 100);
}

function haproxyConf({ lines }: BalancerKind, listens: readonly Listen[]): string {
  const blocks = listens.flatMap(({ route, port }) => [
    `listen on${port}`,
    `  bind 127.0.0.1:${port} backlog 4096`,
    ...route.hosts.map((host, at) => `  server s${at} ${host}:${route.port}`),
  ]);
  const timeouts = ['  timeout connect 5s', '  timeout client 1h', '  timeout server 1h'];
  // It would keep a quarter of its files for pipes.
  const maxconn = `  maxconn ${connectionsMax()}`;
  const head = ['global', '  nbthread 1', '  maxpipes 200', maxconn, 'defaults', '  mode tcp', maxconn, ...timeouts, ...lines];
  return [...head, ...blocks, ''].join('\n');
}

function nginxConf({ lines }: BalancerKind, listens: readonly Listen[], folder: string): string {
  const blocks = listens.flatMap(({ route, port }, at) => [
    `  upstream u${at} {`,
    ...route.hosts.map(host => `    server ${host}:${route.port};`),
    '  }',
    '  server {',
    `    listen 127.0.0.1:${port} backlog=4096;`,
    '    tcp_nodelay on;',
    '    proxy_timeout 1h;',
    ...lines,
    `    proxy_pass u${at};`,
    '  }',
  ]);
  const files = ['access_log off;'].map(line => `  ${line}`);
  const head = [
    `load_module ${NGINX_STREAM};`,
    'daemon off;',
    'worker_processes 1;',
    `pid ${path.join(folder, 'pid')};`,
    'error_log stderr crit;',
  ];
  return [...head, `events { worker_connections ${2 * connectionsMax()}; }`, 'stream {', ...files, ...blocks, '}', ''].join('\n');
}

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
